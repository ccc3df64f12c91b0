import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { whenLeftOver } from '../../testkit/process/left-overs.ts';

/** A proxy before a replica that passes only requests with a key, as a server with AUTH does. */
export async function startKeyGate(
  replica: { readonly port: number },
  key: string,
): Promise<{ readonly port: number }> {
  const server = createServer((incoming, response) => {
    const isAllowed =
      incoming.method === 'OPTIONS' ||
      incoming.url === '/health' ||
      incoming.headers.authorization === `Bearer ${key}`;
    if (!isAllowed) {
      response.writeHead(401, {
        'content-type': 'application/json',
        'access-control-allow-origin': incoming.headers.origin ?? '*',
      });
      response.end(JSON.stringify({ error: { code: 'unauthorized', message: '', request_id: null } }));
      return;
    }
    const { method, url, headers } = incoming;
    const outgoing = request(
      { host: '127.0.0.1', port: replica.port, method, path: url, headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    outgoing.on('error', () => response.destroy());
    response.on('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  whenLeftOver(async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  });
  return { port: (server.address() as AddressInfo).port };
}
