import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect } from 'vitest';
import { type Haproxy, startHaproxy } from '../support/haproxy.ts';
import { call } from '../support/http.ts';
import { promise } from '../support/promise.ts';

/** In place of a replica: is well, tells its caller's addresses, and drops what it is told to drop. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  if (request.url === '/drop') request.socket.destroy();
  else response.end(JSON.stringify({ from: request.headers['x-forwarded-for'] ?? null }));
}

const standIn = createServer(answer);
let balancer: Haproxy;

beforeAll(async () => {
  standIn.listen(0, '127.0.0.1');
  await once(standIn, 'listening');
  balancer = await startHaproxy([(standIn.address() as AddressInfo).port]);
});
afterAll(async () => {
  standIn.close();
  standIn.closeAllConnections();
  await balancer.stop();
});

promise(
  'balancer.caller',
  'a caller behind the balancer cannot say which address it comes from',
  async () => {
    const headers = { 'x-forwarded-for': '203.0.113.7, 10.0.0.1' };
    const { body } = await call(balancer.url, 'GET', '/where', undefined, headers);
    expect(body).toEqual({ from: '127.0.0.1' });
  },
);
