import Schema from 'typebox/schema';
import { beforeAll, expect } from 'vitest';
import { type Answer, call } from '../../testkit/http/http.ts';
import { openStream } from '../../testkit/http/sse.ts';
import { callSteps } from '../../testkit/model/call-steps.ts';
import { choice } from '../../testkit/model/model-wire.ts';
import { type Deployment, replicaOf, startDeployment } from '../../testkit/server/deployment.ts';
import type { Replica } from '../../testkit/server/replica.ts';
import { promise } from './promises.ts';

const ROUTE = '/v1/chat/completions';

interface Described {
  readonly paths: Readonly<
    Record<
      string,
      {
        readonly post: {
          readonly requestBody: Media;
          readonly responses: Readonly<Record<string, Media & { readonly headers: object }>>;
        };
      }
    >
  >;
}

interface Media {
  readonly content: Readonly<Record<string, { readonly schema: object }>>;
}

let deployment: Deployment;
let replica: Replica;

beforeAll(async () => {
  deployment = await startDeployment(1, { MODEL_MAX_RETRIES: '0' });
  replica = replicaOf(deployment, 0);
});

promise(
  'chat.openapi',
  'every answer, chunk and error is as /openapi.json has it, and so are the bodies of the openai package',
  async () => {
    const { body: described } = await call<Described>(replica.url, 'GET', '/openapi.json');
    const { requestBody, responses } = described.paths[ROUTE]?.post ?? {};
    const schemaOf = (status: string, type: string) => responses?.[status]?.content[type]?.schema ?? {};
    const wrong: unknown[] = [];
    const check = (schema: object, value: unknown) => {
      if (Object.keys(schema).length === 0 || !Schema.Check(schema, value)) wrong.push(value);
    };
    const hello = { model: 'scripted', messages: [{ role: 'user', content: 'hello' }] };
    const tool = { type: 'function', function: { name: 'f', parameters: { type: 'object' } } };
    const full = {
      ...hello,
      ...{ tools: [tool], service_tier: 'auto', metadata: { a: 'b' } },
      stream_options: { include_usage: true },
    };
    check(requestBody?.content['application/json']?.schema ?? {}, full);
    const ask = (body: object): Promise<Answer<unknown>> =>
      call(replica.url, 'POST', ROUTE, body, { 'x-session-id': 'described' });
    const think = { chunk: choice({ delta: { reasoning_content: 'Hm.' } }) };
    deployment.model.reply(() => [
      think,
      { delta: 'said' },
      ...callSteps([{ id: 'call_1', name: 'f', args: {} }]),
    ]);
    const whole = await ask(full);
    check(schemaOf('200', 'application/json'), whole.body);
    expect(whole.status).toBe(200);
    const stream = await openStream(`${replica.url}${ROUTE}`, {
      method: 'POST',
      body: { ...full, stream: true },
    });
    deployment.model.reply(() => [{ delta: 'half' }, { destroySocket: true }]);
    const broken = await openStream(`${replica.url}${ROUTE}`, {
      method: 'POST',
      body: { ...full, stream: true },
    });
    const events = [...(await stream.all()), ...(await broken.all())];
    expect(events.length).toBeGreaterThan(8);
    for (const { data } of events) check(schemaOf('200', 'text/event-stream'), { data });
    deployment.model.reply(() => [{ status: 500 }]);
    for (const body of [{ ...hello, n: 2 }, { ...hello, messages: [] }, { ...hello, model: 'x' }, hello]) {
      const { status, body: reply } = await ask(body);
      check(schemaOf(String(status), 'application/json'), reply);
    }
    expect(wrong).toEqual([]);
    expect(Object.keys(responses?.['200']?.headers ?? {})).toEqual(['X-Session-ID', 'X-Turn-ID']);
  },
);
