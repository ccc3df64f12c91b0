import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect } from 'vitest';
import { type Haproxy, startHaproxy } from '../../testkit/http/haproxy.ts';
import { call } from '../../testkit/http/http.ts';
import { type Deployment, replicaOf, startDeployment } from '../../testkit/server/deployment.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { promise } from './promises.ts';

/** A fake replica: healthy, reports its caller's addresses, and drops requests on demand. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  if (request.url === '/drop') request.socket.destroy();
  else response.end(JSON.stringify({ from: request.headers['x-forwarded-for'] ?? null }));
}

const standIn = createServer(answer);
let balancer: Haproxy;
let deployment: Deployment;

beforeAll(async () => {
  standIn.listen(0, '127.0.0.1');
  await once(standIn, 'listening');
  balancer = await startHaproxy([(standIn.address() as AddressInfo).port]);
  deployment = await startDeployment(1);
});
afterAll(async () => {
  standIn.close();
  standIn.closeAllConnections();
  await balancer.stop();
});

promise('balancer.caller', 'a caller behind the balancer cannot forge its address', async () => {
  const headers = { 'x-forwarded-for': '203.0.113.7, 10.0.0.1' };
  const { body } = await call(balancer.url, 'GET', '/where', undefined, headers);
  expect(body).toEqual({ from: '127.0.0.1' });
});

promise(
  'balancer.head-too-long',
  'a request head too long for a replica gets 431 through the balancer too',
  async () => {
    const through = await startHaproxy([replicaOf(deployment, 0).port]);
    const big = { 'x-big': 'a'.repeat(20_000) };
    const { status, body } = await call(through.url, 'GET', '/livez', undefined, big);
    expect([status, body]).toMatchObject([431, { error: { code: 'headers_too_large' } }]);
    await through.stop();
  },
);

promise(
  'balancer.answers',
  'when a replica is lost or none is left, the balancer replies in the format of the server, readable for pages',
  async () => {
    const lost = await call(balancer.url, 'GET', '/drop');
    expect([lost.status, lost.body]).toMatchObject([502, { error: { code: 'replica_lost' } }]);
    standIn.close();
    standIn.closeAllConnections();
    const none = await waitFor(
      async () => {
        const answered = await call(balancer.url, 'GET', '/where');
        return answered.status === 503 ? answered : undefined;
      },
      { what: 'the balancer to see that no replica is left' },
    );
    expect(none.body).toMatchObject({ error: { code: 'overloaded', request_id: null } });
    for (const { headers } of [lost, none]) {
      expect(headers).toMatchObject({
        'content-type': 'application/json',
        'retry-after': '1',
        'access-control-allow-origin': '*',
        'access-control-expose-headers': 'Retry-After',
      });
    }
  },
);
