import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { whenLeftOver } from '../process/left-overs.ts';
import { type Decisions, type Fault, ProxiedConnection } from './proxied-connection.ts';
import { RedisRequest } from './redis-request.ts';
import { Wire, type WireCondition } from './wire.ts';

export type Match = (request: RedisRequest) => boolean;

/** Decides about each request; undefined lets it pass. */
export type Rule = (request: RedisRequest, connection: ProxiedConnection) => Fault | undefined;

/** Holds one request, or its reply, until the test decides. */
export interface Trap {
  /** Fulfilled when one is caught. */
  readonly caught: Promise<RedisRequest>;
  /** Lets it pass. */
  open(): void;
  /** Breaks its connection, so that it never arrives. */
  cut(): void;
  /** Removes the trap; a caught request passes. */
  remove(): void;
}

/** A proxy between replicas and a Redis that can aim at single requests, and fails as networks do. */
export interface RedisProxy {
  readonly port: number;
  readonly url: string;
  /** Those with a connected client, oldest first. */
  readonly connections: readonly ProxiedConnection[];
  /** Replaces the previous rule; null: no request meets a fault. */
  onRequest(rule: Rule | null): void;
  /** Catches the next matching request, before Redis gets it or before the replica gets its reply. */
  trap(where: 'request' | 'reply', match: Match): Trap;
  /** Executes the next matching request, and loses its reply with the connection. */
  loseReply(match: Match): Trap;
  setWire(condition: Partial<WireCondition>): void;
  /** Breaks all connections. */
  cut(): void;
  /** Makes all connections, also new ones, black holes until `heal`. */
  blackHole(): void;
  /** Breaks all connections and refuses new ones, until `heal`. */
  refuse(): void;
  /** New connections work again; a black hole remains one. */
  heal(): void;
  /** New connections lead to this server. */
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

/** @param names  names of scripts by digest, to aim at them */
export async function startRedisProxy(
  redisPort: number,
  names: ReadonlyMap<string, string> = new Map(),
): Promise<RedisProxy> {
  const traps = new Set<SetTrap>();
  const connections = new Set<ProxiedConnection>();
  const wire = new Wire();
  let mode: 'pass' | 'black-hole' | 'refuse' = 'pass';
  let rule: Rule | null = null;
  let port = redisPort;
  let opened = 0;

  const springTrap = (where: SetTrap['where'], request: RedisRequest) => {
    const trap = [...traps].find((one) => one.where === where && one.match(request));
    if (trap === undefined) return undefined;
    traps.delete(trap);
    trap.caught.resolve(request);
    return trap.losesReply ? ('cut' as const) : trap.decided.promise;
  };
  const decisionsFor = (connection: () => ProxiedConnection): Decisions => ({
    read: (bytes) => new RedisRequest(bytes, names),
    request: async (request) => {
      if ((await springTrap('request', request)) === 'cut') return 'lose-request';
      return rule?.(request, connection());
    },
    reply: async (request) => ((await springTrap('reply', request)) === 'cut' ? 'cut' : undefined),
  });

  const server = createServer({ noDelay: true }, (client) => {
    if (mode === 'refuse') return void client.resetAndDestroy();
    const upstream = connect({ port, host: '127.0.0.1', noDelay: true });
    const connection: ProxiedConnection = new ProxiedConnection(
      opened,
      client,
      upstream,
      decisionsFor(() => connection),
      wire,
    );
    opened += 1;
    connections.add(connection);
    if (mode === 'black-hole') connection.blackHole();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  const cut = () => {
    for (const connection of connections) connection.cut();
    connections.clear();
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
      ...{ where, match, losesReply },
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
  const address = server.address() as AddressInfo;
  return {
    port: address.port,
    url: `redis://127.0.0.1:${address.port}`,
    get connections() {
      return [...connections].filter((connection) => connection.isOpen);
    },
    onRequest(next) {
      rule = next;
    },
    trap: (where, match) => setTrap(where, match, false),
    loseReply: (match) => setTrap('reply', match, true),
    setWire: (condition) => wire.set(condition),
    cut,
    blackHole() {
      mode = 'black-hole';
      for (const connection of connections) connection.blackHole();
    },
    refuse() {
      mode = 'refuse';
      cut();
    },
    heal() {
      mode = 'pass';
    },
    to(next) {
      port = next;
    },
    async close() {
      forget();
      await end();
    },
  };
}
