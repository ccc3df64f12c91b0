import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { whenLeftOver } from './left-overs.ts';
import { type CommandFault, Connection, type ProxiedConnection } from './proxied-connection.ts';
import { createCommandReader, type RedisCommand } from './redis-command.ts';

/** Asked about each command that goes to the server; undefined lets it pass. */
export type CommandRule = (command: RedisCommand, connection: ProxiedConnection) => CommandFault | undefined;

/** Stands between clients and a Redis, and fails on purpose as networks do. Clients speak RESP3. */
export interface FaultProxy {
  readonly port: number;
  readonly url: string;
  /** Those whose client has not left, oldest first. */
  readonly connections: readonly ProxiedConnection[];
  /** Takes the place of the rule before; null: no command meets a fault. */
  onCommand(rule: CommandRule | null): void;
  /** Breaks all connections. */
  cut(): void;
  /** Makes all connections black holes, and new ones too, until `heal`. */
  blackHole(): void;
  /** Breaks all connections and refuses new ones, until `heal`. */
  refuse(): void;
  /** For all connections and new ones; see ProxiedConnection. */
  delay(ms: number | (() => number)): void;
  /** New connections are as good as any; what is a black hole stays one. */
  heal(): void;
  close(): Promise<void>;
}

/** Starts a proxy in front of a Redis; all passes until it is told otherwise. */
export async function startFaultProxy(upstream: { readonly port: number }): Promise<FaultProxy> {
  const all = new Set<Connection>();
  const readCommand = createCommandReader();
  let mode: 'pass' | 'black-hole' | 'refuse' = 'pass';
  let rule: CommandRule | null = null;
  let delayMs: number | (() => number) = 0;
  let opened = 0;
  const server = createServer((client) => {
    if (mode === 'refuse') {
      client.resetAndDestroy();
      return;
    }
    const connection = new Connection(
      opened,
      client,
      connect(upstream.port, '127.0.0.1'),
      (words) => {
        // Read even when no rule stands: a script is known by its text, which goes by only once.
        const command = readCommand(words);
        return rule?.(command, connection);
      },
      () => all.delete(connection),
    );
    opened += 1;
    all.add(connection);
    connection.delay(delayMs);
    if (mode === 'black-hole') connection.blackHole();
  });
  const cut = () => {
    for (const connection of all) connection.cut();
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
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    get connections() {
      return [...all].filter((connection) => connection.isOpen);
    },
    onCommand(next) {
      rule = next;
    },
    cut,
    blackHole() {
      mode = 'black-hole';
      for (const connection of all) connection.blackHole();
    },
    refuse() {
      mode = 'refuse';
      cut();
    },
    delay(ms) {
      delayMs = ms;
      for (const connection of all) connection.delay(ms);
    },
    heal() {
      mode = 'pass';
    },
    async close() {
      forget();
      await end();
    },
  };
}
