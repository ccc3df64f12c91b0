import { once } from 'node:events';
import { createServer } from 'node:net';

// Below 32768, where Linux begins the ports of outgoing connections: a client that retries a stopped
// server's port from that range can connect to itself, and another one can take the port meanwhile.
const firstPort = 20_000;
const lastPort = 32_000;
const handedOut = new Set<number>();

/** A random loopback port that is free now; with `alsoFreeAt`, so is the port at that offset above it. */
export async function freePort(options: { readonly alsoFreeAt?: number } = {}): Promise<number> {
  for (let tries = 0; tries < 100; tries += 1) {
    const port = firstPort + Math.floor(Math.random() * (lastPort - firstPort));
    if (handedOut.has(port) || !(await isFree(port))) continue;
    if (options.alsoFreeAt !== undefined && !(await isFree(port + options.alsoFreeAt))) continue;
    handedOut.add(port);
    return port;
  }
  throw new Error(`no free port between ${firstPort} and ${lastPort}`);
}

/** Whether this loopback port is free now. */
export async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
