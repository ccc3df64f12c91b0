import { connect } from 'node:net';
import { beforeAll, expect } from 'vitest';
import { rawRequest } from '../../testkit/http/raw-http.ts';
import { type Deployment, replicaOf, startDeployment } from '../../testkit/server/deployment.ts';
import type { Replica } from '../../testkit/server/replica.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { promise } from './promises.ts';

let deployment: Deployment;
let replica: Replica;

beforeAll(async () => {
  deployment = await startDeployment(1, { WORKER: 'off' });
  replica = replicaOf(deployment, 0);
});

const jsonType = { 'content-type': 'application/json' };

/** A new raw connection. */
function open() {
  const socket = connect(replica.port, '127.0.0.1');
  let text = '';
  let isClosed = false;
  socket.setEncoding('utf8').on('data', (more) => {
    text += more;
  });
  socket.on('error', () => undefined);
  socket.once('close', () => {
    isClosed = true;
  });
  return {
    send: (bytes: string) => void socket.write(bytes),
    said: () => text,
    isClosed: () => isClosed,
    until: (part: string) => waitFor(() => text.includes(part), { what: `to be sent ${part}` }),
    closed: (timeoutMs = 5000) => waitFor(() => isClosed, { timeoutMs, what: 'the connection to be closed' }),
  };
}

const chatOf = (path: string, id: string, headers: Readonly<Record<string, string>> = {}) =>
  rawRequest(
    'POST',
    path,
    { ...jsonType, connection: 'keep-alive', ...headers },
    JSON.stringify({ message: 'hello', conversation_id: id }),
  );

promise(
  'connection.no-foreign-bytes',
  'bytes that are not a request, sent while a reply is pending, close the connection and add nothing to the reply',
  async () => {
    const gate = deployment.model.gate();
    deployment.model.reply(() => [{ delta: 'said' }, { wait: gate }]);
    const stream = open();
    stream.send(chatOf('/api/chat/stream', 'foreign-stream'));
    await stream.until('said');
    stream.send('no HTTP at all\r\n\r\n');
    await stream.closed();
    expect(stream.said().match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(stream.said()).not.toContain('invalid_request');

    const json = open();
    json.send(chatOf('/api/chat', 'foreign-json'));
    await waitFor(() => deployment.model.requests.length === 2, { what: 'the second call of the model' });
    json.send('no HTTP at all\r\n\r\n');
    await json.closed();
    expect(json.said()).toBe('');
    gate.open();
  },
);

promise(
  'connection.close-is-kept',
  'a stream closes its connection when the client asked for that, and keeps it otherwise',
  async () => {
    deployment.model.reply(() => [{ delta: 'said' }]);
    const closing = open();
    closing.send(chatOf('/api/chat/stream', 'closing', { connection: 'close' }));
    await closing.closed();
    expect(closing.said()).toMatch(/^connection: close\r$/im);
    expect(closing.said()).toContain('event: done');

    const kept = open();
    kept.send(chatOf('/api/chat/stream', 'kept'));
    await kept.until('event: done');
    kept.send(rawRequest('GET', '/livez'));
    await kept.closed();
    expect(kept.said()).toContain('{"status":"alive"}');
  },
);

promise(
  'connection.slow-request',
  'a request that is not complete within 30 s is 408 request_timeout by then',
  async () => {
    const since = performance.now();
    const [head, body] = [open(), open()];
    head.send('POST /api/chat HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n');
    body.send(chatOf('/api/chat', 'slow').slice(0, -5));
    for (const slow of [head, body]) {
      await slow.closed(35_000);
      expect(slow.said()).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
      expect(slow.said()).toContain('"code":"request_timeout"');
      expect(slow.said()).toMatch(/^x-content-type-options: nosniff\r$/im);
    }
    expect(performance.now() - since).toBeLessThan(31_000);
  },
  40_000,
);
