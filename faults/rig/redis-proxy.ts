import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { whenLeftOver } from '../../test/support/left-overs.ts';
import { partsOf, ValueReader } from './resp.ts';

/** A request on its way to Redis: a script by its name, `redlock`, or the command. */
export interface RedisRequest {
  readonly name: string;
  /** Of its first key; null when that is no key of a session. */
  readonly session: string | null;
}

export type Match = (request: RedisRequest) => boolean;

/** A place where one request, or its reply, waits until somebody decides. */
export interface Trap {
  /** Fulfilled when it is caught. */
  readonly caught: Promise<RedisRequest>;
  /** Lets it go on. */
  open(): void;
  /** Breaks its connection, so that it never arrives. */
  cut(): void;
  /** Takes the trap away; what it caught goes on. */
  remove(): void;
}

/** What the wire does to all that passes. Delay and jitter in ms, each way. */
export interface Wire {
  readonly delayMs: number;
  readonly jitterMs: number;
  /** Bytes a piece; 0: as they come. */
  readonly sliceBytes: number;
  readonly bytesPerSecond: number;
  /** Nothing passes and nothing is refused: packets vanish. */
  readonly isBlackHole: boolean;
}

export const CLEAN_WIRE: Wire = {
  delayMs: 0,
  jitterMs: 0,
  sliceBytes: 0,
  bytesPerSecond: Number.POSITIVE_INFINITY,
  isBlackHole: false,
};

/** The way of one replica to Redis, which understands enough of it to aim at single commands. */
export interface RedisProxy {
  readonly url: string;
  /** Catches the next request that matches, before Redis has it or before the replica has its reply. */
  trap(where: 'request' | 'reply', match: Match): Trap;
  /** The next that matches is carried out, its reply is lost with the connection. */
  loseReply(match: Match): Trap;
  setWire(wire: Partial<Wire>): void;
  /** Breaks all connections. */
  cut(): void;
  setRefusing(isRefusing: boolean): void;
  to(port: number): void;
  close(): Promise<void>;
}

interface SetTrap {
  readonly where: 'request' | 'reply';
  readonly match: Match;
  readonly losesReply: boolean;
  readonly caught: PromiseWithResolvers<RedisRequest>;
  readonly decided: PromiseWithResolvers<'on' | 'cut'>;
}

export async function startRedisProxy(
  redisPort: number,
  names: ReadonlyMap<string, string>,
): Promise<RedisProxy> {
  const traps = new Set<SetTrap>();
  const sockets = new Set<Socket>();
  const healed: (() => void)[] = [];
  const state = { port: redisPort, isRefusing: false, wire: CLEAN_WIRE };

  const pass = async (where: SetTrap['where'], request: RedisRequest): Promise<'on' | 'cut'> => {
    for (const trap of traps) {
      if (trap.where !== where || !trap.match(request)) continue;
      traps.delete(trap);
      trap.caught.resolve(request);
      return trap.losesReply ? 'cut' : trap.decided.promise;
    }
    return 'on';
  };
  const deliver = async (bytes: Buffer, to: Socket, cameAt: number) => {
    while (state.wire.isBlackHole) await new Promise<void>((resolve) => healed.push(resolve));
    const { delayMs, jitterMs, sliceBytes, bytesPerSecond } = state.wire;
    const passesMs = (bytes.length / bytesPerSecond) * 1000;
    // Counted from its arrival: what comes together is late together, as on a real wire.
    const waitMs = Math.max(passesMs, cameAt + delayMs + Math.random() * jitterMs - performance.now());
    if (waitMs > 0.5) await new Promise((resolve) => setTimeout(resolve, waitMs));
    if (sliceBytes === 0) return void to.write(bytes);
    for (let at = 0; at < bytes.length; at += sliceBytes) {
      to.write(bytes.subarray(at, at + sliceBytes));
      // Each write is a packet; a turn of the loop for each would be a slow wire as well.
      if (at % (sliceBytes * 64) === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  };

  const server = createServer({ noDelay: true }, (near) => {
    if (state.isRefusing) return void near.destroy();
    const far = connect({ port: state.port, host: '127.0.0.1', noDelay: true });
    const asked: RedisRequest[] = [];
    // A subscriber's replies answer no request: from then on bytes only pass.
    let isTalk = true;
    const ways = { there: Promise.resolve(), back: Promise.resolve() };
    const breakBoth = () => void [near.destroy(), far.destroy()];
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => sockets.delete(socket));
    }
    far.once('close', breakBoth);
    // What a replica had sent before it died still arrives.
    near.once('close', () => void ways.there.then(() => far.destroy()));
    const requests = new ValueReader();
    const replies = new ValueReader();
    near.on('data', (bytes: Buffer) => {
      const cameAt = performance.now();
      for (const value of isTalk ? requests.push(bytes) : [bytes]) {
        const request = isTalk ? readRequest(value, names) : null;
        if (request !== null && SUBSCRIBING.has(request.name)) isTalk = false;
        ways.there = ways.there.then(async () => {
          if (request !== null && (await pass('request', request)) === 'cut') return void breakBoth();
          if (request !== null) asked.push(request);
          await deliver(value, far, cameAt);
        });
      }
    });
    far.on('data', (bytes: Buffer) => {
      const cameAt = performance.now();
      for (const value of isTalk ? replies.push(bytes) : [bytes]) {
        ways.back = ways.back.then(async () => {
          const request = isTalk ? asked.shift() : undefined;
          if (request !== undefined && (await pass('reply', request)) === 'cut') return void breakBoth();
          await deliver(value, near, cameAt);
        });
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  const cut = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  const end = async () => {
    const closed = once(server, 'close');
    server.close();
    cut();
    await closed;
  };
  const forget = whenLeftOver(end);
  const setTrap = (where: SetTrap['where'], match: Match, losesReply: boolean): Trap => {
    const trap: SetTrap = {
      where,
      match,
      losesReply,
      caught: Promise.withResolvers(),
      decided: Promise.withResolvers(),
    };
    traps.add(trap);
    const decide = (how: 'on' | 'cut') => {
      traps.delete(trap);
      trap.decided.resolve(how);
    };
    return {
      caught: trap.caught.promise,
      open: () => decide('on'),
      cut: () => decide('cut'),
      remove: () => decide('on'),
    };
  };
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    trap: (where, match) => setTrap(where, match, false),
    loseReply: (match) => setTrap('reply', match, true),
    setWire(wire) {
      state.wire = { ...state.wire, ...wire };
      if (!state.wire.isBlackHole) for (const heal of healed.splice(0)) heal();
    },
    cut,
    setRefusing(isRefusing) {
      state.isRefusing = isRefusing;
    },
    to(port) {
      state.port = port;
    },
    async close() {
      forget();
      await end();
    },
  };
}

const SUBSCRIBING = new Set(['subscribe', 'psubscribe', 'ssubscribe', 'monitor']);

function readRequest(value: Buffer, names: ReadonlyMap<string, string>): RedisRequest {
  const [command = '', first = '', second = '', third = ''] = partsOf(value, 4);
  const word = command.toLowerCase();
  const isScript = word === 'evalsha' || word === 'eval';
  const key = isScript ? third : first;
  const session = /\{[^/}]*\/([^}]*)\}/.exec(key)?.[1] ?? null;
  if (!isScript) return { name: word, session };
  const isLock = second === '1' && key.endsWith(':lock');
  const digest = word === 'evalsha' ? first : digestOf(first);
  return { name: names.get(digest) ?? (isLock ? 'redlock' : 'other-script'), session };
}

function digestOf(script: string): string {
  return createHash('sha1').update(script).digest('hex');
}
