import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { whenLeftOver } from './left-overs.ts';

/** One address in front of several servers, of which it reaches one at a time, or none. */
export interface SwitchProxy {
  readonly url: string;
  /** Connections from now on go there; those that are open stay. */
  to(server: { readonly port: number }): void;
  /** Breaks what is open. */
  cut(): void;
  /** Breaks what is open and refuses what comes, until `to`. */
  down(): void;
  close(): Promise<void>;
}

/** Starts a proxy that reaches nobody until it is told whom. */
export async function startSwitchProxy(): Promise<SwitchProxy> {
  let port: number | null = null;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    if (port === null) {
      client.destroy();
      return;
    }
    const upstream = connect(port, '127.0.0.1');
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
      one.pipe(other);
    }
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
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    to(target) {
      port = target.port;
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
