import Schema from 'typebox/schema';
import { beforeAll, expect } from 'vitest';
import { call } from '../../testkit/http/http.ts';
import { openStream } from '../../testkit/http/sse.ts';
import { callSteps } from '../../testkit/model/call-steps.ts';
import { choice } from '../../testkit/model/model-wire.ts';
import { type Deployment, replicaOf, startDeployment } from '../../testkit/server/deployment.ts';
import type { Replica } from '../../testkit/server/replica.ts';
import { promise } from './promises.ts';
import { WEATHER } from './thread-agent.ts';

interface Media {
  readonly content?: Readonly<Record<string, { readonly schema: object }>>;
}

interface Operation {
  readonly requestBody?: Media;
  readonly responses: Readonly<Record<string, Media & { readonly headers?: object }>>;
}

interface Described {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

let deployment: Deployment;
let replica: Replica;

beforeAll(async () => {
  deployment = await startDeployment(1, { MODEL_MAX_RETRIES: '0' });
  replica = replicaOf(deployment, 0);
});

promise(
  'agui.openapi',
  'every event and every error is as /openapi.json has it, and so are the bodies of HttpAgent',
  async () => {
    const { body: described } = await call<Described>(replica.url, 'GET', '/openapi.json');
    const { requestBody, responses } = described.paths['/api/ag-ui']?.post ?? { responses: {} };
    const wrong: unknown[] = [];
    const check = (media: Media | undefined, type: string, value: unknown) => {
      const schema = media?.content?.[type]?.schema ?? {};
      if (Object.keys(schema).length === 0 || !Schema.Check(schema, value)) wrong.push(value);
    };
    const say = (more: object = {}) => ({
      ...{ threadId: 'described', runId: 'r', state: {}, context: [], forwardedProps: {} },
      ...{ protocolVersion: '1.0', tools: [WEATHER] },
      messages: [{ id: crypto.randomUUID(), role: 'user', content: 'hello' }],
      ...more,
    });
    check(requestBody, 'application/json', say());
    const run = (headers = {}) =>
      openStream(`${replica.url}/api/ag-ui`, { method: 'POST', body: say(), headers });
    const gate = deployment.model.gate();
    deployment.model.reply(() => [
      { wait: gate },
      { chunk: choice({ delta: { reasoning_content: 'Hm.' } }) },
      { delta: 'said' },
      ...callSteps([{ id: 'call_1', name: 'weather', args: {} }]),
    ]);
    const first = await run();
    const second = await run({ 'x-turnwise-events': 'queued' });
    const again = await openStream(`${replica.url}/api/ag-ui/described/stream`);
    gate.open();
    const events = [...(await first.all()), ...(await second.all()), ...(await again.all())];
    deployment.model.reply(() => [{ delta: 'half' }, { destroySocket: true }]);
    events.push(...(await (await run()).all()));
    for (const { data } of events) check(responses['200'], 'text/event-stream', { data });
    const types = new Set(events.map(({ data }) => data.type));
    expect(types).toEqual(
      new Set([
        ...['RUN_STARTED', 'CUSTOM', 'MESSAGES_SNAPSHOT', 'RUN_FINISHED', 'RUN_ERROR'],
        ...['TEXT_MESSAGE_START', 'TEXT_MESSAGE_CONTENT', 'TEXT_MESSAGE_END'],
        ...['REASONING_START', 'REASONING_MESSAGE_START', 'REASONING_MESSAGE_CONTENT'],
        ...['REASONING_MESSAGE_END', 'REASONING_END'],
        ...['TOOL_CALL_START', 'TOOL_CALL_ARGS', 'TOOL_CALL_END'],
      ]),
    );
    for (const more of [{ messages: [] }, { forwardedProps: { model: 'other' } }, { threadId: 'a b' }]) {
      const { status, body } = await call(replica.url, 'POST', '/api/ag-ui', say(more));
      check(responses[String(status)], 'application/json', body);
    }
    expect(wrong).toEqual([]);
    expect(Object.keys(responses['200']?.headers ?? {})).toEqual(['X-Session-ID', 'X-Turn-ID']);
    const resume = described.paths['/api/ag-ui/{thread_id}/stream']?.get;
    expect(Object.keys(resume?.responses ?? {})).toEqual(
      expect.arrayContaining(['200', '204', '400', '503']),
    );
  },
);
