import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { whenLeftOver } from '../process/left-overs.ts';

/** One address in front of several servers; forwards to one at a time, or none. */
export interface Relay {
  readonly port: number;
  readonly url: string;
  /** Forwards new connections there; open ones remain. */
  to(server: { readonly port: number }): void;
  /** Delays replies from now on; 0: no delay. */
  delay(ms: number): void;
  /** Breaks open connections. */
  cut(): void;
  /** Breaks open connections and refuses new ones, until `to`. */
  down(): void;
  close(): Promise<void>;
}

/** Starts a relay that refuses connections until `to`. */
export async function startRelay(): Promise<Relay> {
  let port: number | null = null;
  let delayMs = 0;
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (client) => {
    if (port === null) {
      client.destroy();
      return;
    }
    const upstream = connect({ port, host: '127.0.0.1', noDelay: true });
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy());
      one.once('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
    client.pipe(upstream);
    upstream.on('data', (bytes) => {
      // Timers of equal length fire in order, so no reply overtakes another.
      if (delayMs === 0) client.write(bytes);
      else setTimeout(() => client.write(bytes), delayMs);
    });
    upstream.on('end', () => client.end());
  });
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const end = async () => {
    const closed = once(server, 'close');
    server.close();
    cut();
    await closed;
  };
  const forget = whenLeftOver(end);
  const address = server.address() as AddressInfo;
  return {
    port: address.port,
    url: `http://127.0.0.1:${address.port}`,
    to(target) {
      port = target.port;
    },
    delay(ms) {
      delayMs = ms;
    },
    cut,
    down() {
      port = null;
      cut();
    },
    async close() {
      forget();
      await end();
    },
  };
}
