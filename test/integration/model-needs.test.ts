import { once } from 'node:events';
import { createServer, request as openRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished } from 'vitest';
import { chat } from '../../testkit/http/http.ts';
import type { Script } from '../../testkit/model/model-script.ts';
import { echo, type ModelRequest, type Reply, textDeltas } from '../../testkit/model/scripted-model.ts';
import { saidIn } from '../../testkit/server/api.ts';
import { runJson } from '../../testkit/server/command.ts';
import { type Deployment, replicaOf, say, startDeployment } from '../../testkit/server/deployment.ts';
import { promise } from './promises.ts';

const refusal = (status: number, error?: object) => [{ status, body: error === undefined ? {} : { error } }];

/** A model that refuses requests for which `isWrong` finds a reason. */
function strict(isWrong: (request: ModelRequest) => boolean, status: number, error?: object): Reply {
  return (request) => (isWrong(request) ? refusal(status, error) : echo(request));
}

async function deploymentWith(reply: Reply, env: Readonly<Record<string, string>> = {}): Promise<Deployment> {
  const deployment = await startDeployment(1, env);
  deployment.model.reply(reply);
  return deployment;
}

const hasStreamOptions = ({ body }: ModelRequest) => 'stream_options' in body;
const isSystem = ({ messages }: ModelRequest) => messages[0]?.role === 'system';
const repeatsRole = ({ messages }: ModelRequest) =>
  messages.some(({ role }, index) => role === messages[index - 1]?.role);

interface Doctor {
  readonly checks: readonly { readonly check: string; readonly level: string; readonly found: string }[];
}

promise(
  'model.stream-options',
  'a server that refuses stream_options, in any words, is answered without it from then on; doctor and the log say so',
  async () => {
    const refusals: readonly (readonly [number, object | undefined])[] = [
      [400, { message: 'unrecognised argument', param: 'stream_options', code: 'unknown_parameter' }],
      [422, undefined],
      [422, { detail: [{ type: 'extra_forbidden', loc: ['body', 'stream_options'] }] }],
      [400, { message: 'Bad Request' }],
    ];
    for (const [status, error] of refusals) {
      const deployment = await deploymentWith(strict(hasStreamOptions, status, error));
      const replica = replicaOf(deployment, 0);
      const first = await chat(replica, 'needs', 'one');
      expect([status, error, first.status, first.body.reply]).toEqual([status, error, 200, 'echo:one']);
      expect(deployment.model.requests.length).toBe(2);
      await chat(replica, 'needs', 'two');
      expect(deployment.model.requests.length).toBe(3);
      expect(replica.output()).toContain('requests without stream_options');
    }
    const deployment = await deploymentWith(strict(hasStreamOptions, 400));
    const settings = { OPENAI_BASE_URL: deployment.model.url, OPENAI_API_KEY: 'k', OPENAI_MODEL: 'scripted' };
    const { checks } = await runJson<Doctor>(['doctor'], { ...settings, ...deployment.redisEnv });
    const found = checks.find(({ check }) => check === 'answer');
    expect([found?.level, found?.found]).toEqual(['warn', expect.stringContaining('without stream_options')]);
  },
);

promise(
  'model.alternating',
  'a server that requires alternating roles gets neighbours of one role joined after its first refusal, whatever the status; history keeps them apart',
  async () => {
    for (const [status, message] of [
      [400, 'Conversation roles must alternate user/assistant/user/assistant/...'],
      [422, undefined],
      [500, 'template: raise_exception: roles must alternate'],
    ] as const) {
      const deployment = await startDeployment(1, { MODEL_MAX_RETRIES: '0' });
      const replica = replicaOf(deployment, 0);
      const gate = deployment.model.gate();
      deployment.model.reply(() => [{ wait: gate }]);
      const held = await say(replica, 'apart', 'held');
      await gate.reached;
      deployment.model.reply(strict(repeatsRole, status, message === undefined ? undefined : { message }));
      const interrupting = await chat(replica, 'apart', 'instead', { onBusy: 'interrupt' });
      gate.open();
      expect((await held.all()).at(-1)?.event).toBe('cancelled');
      expect([status, interrupting.status, interrupting.body.reply]).toEqual([
        status,
        200,
        'echo:held\n\ninstead',
      ]);
      expect(await saidIn(replica, 'apart')).toEqual(['held', 'instead', 'echo:held\n\ninstead']);
      const calls = deployment.model.requests.length;
      expect((await chat(replica, 'apart', 'then')).status).toBe(200);
      expect(deployment.model.requests.length).toBe(calls + 1);
    }
  },
);

promise(
  'model.no-system',
  'a server that accepts no system message gets the system prompt in front of the first user message',
  async () => {
    const deployment = await deploymentWith(strict(isSystem, 400, { message: 'System role not supported' }), {
      SYSTEM_PROMPT: 'Be brief.',
    });
    const replica = replicaOf(deployment, 0);
    expect((await chat(replica, 'headless', 'one')).body.reply).toBe('echo:Be brief.\n\none');
    await chat(replica, 'headless', 'two');
    expect(deployment.model.requests.at(-1)?.messages.map(({ content }) => content)).toEqual([
      'Be brief.\n\none',
      'echo:Be brief.\n\none',
      'two',
    ]);
    expect(deployment.model.requests.length).toBe(3);
  },
);

promise(
  'model.needs.certain',
  'a refusal that names another reason is not taken as a need: the model is asked once',
  async () => {
    const deployment = await deploymentWith(() => refusal(400, { message: 'no', code: 'content_filter' }));
    expect((await chat(replicaOf(deployment, 0), 'certain', 'hello')).body.error?.code).toBe('model_refused');
    expect(deployment.model.requests.length).toBe(1);
  },
);

promise(
  'model.extra-body',
  'MODEL_EXTRA_BODY is merged into every request, and null removes a field',
  async () => {
    const extra = { temperature: 0.25, stream_options: null, options: { num_ctx: 8192 } };
    const deployment = await startDeployment(1, { MODEL_EXTRA_BODY: JSON.stringify(extra) });
    const { body } = await chat(replicaOf(deployment, 0), 'extra', 'hello');
    expect([body.reply, body.usage]).toEqual(['echo:hello', null]);
    const { body: sent } = deployment.model.requests[0] ?? {};
    expect(sent).toEqual({
      model: 'scripted',
      messages: [{ role: 'user', content: 'hello' }],
      stream: true,
      temperature: 0.25,
      options: { num_ctx: 8192 },
    });
  },
);

promise(
  'model.proxy',
  'the model is called through the proxy of the environment, lower case included; NO_PROXY and this host bypass it',
  async () => {
    const deployment = await startDeployment(0);
    const port = Number(new URL(deployment.model.url).port);
    const seen: string[] = [];
    const proxy = createServer((incoming, outgoing) => {
      const url = new URL(incoming.url ?? '');
      seen.push(url.host);
      const { method, headers } = incoming;
      const onward = openRequest({ port, method, headers, path: url.pathname }, (response) => {
        outgoing.writeHead(response.statusCode ?? 500, response.headers);
        response.pipe(outgoing);
      });
      incoming.pipe(onward);
    });
    proxy.on('connect', (incoming, socket) => {
      seen.push(`tunnel ${incoming.url}`);
      socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    onTestFinished(() => void proxy.close());
    const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const elsewhere = { OPENAI_BASE_URL: 'http://model.invalid/v1', MODEL_MAX_RETRIES: '0' };
    const ask = async (env: Readonly<Record<string, string>>) => {
      seen.length = 0;
      const replica = await deployment.another(env);
      const { status, body } = await chat(replica, 'proxied', 'hello');
      return [status, body.reply, [...seen]];
    };
    expect(await ask({ ...elsewhere, HTTP_PROXY: url })).toEqual([200, 'echo:hello', ['model.invalid']]);
    expect(await ask({ ...elsewhere, http_proxy: url })).toEqual([200, 'echo:hello', ['model.invalid']]);
    expect(await ask({ ...elsewhere, HTTP_PROXY: url, NO_PROXY: 'model.invalid' })).toEqual([
      502,
      undefined,
      [],
    ]);
    expect(await ask({ HTTP_PROXY: url, HTTPS_PROXY: url })).toEqual([200, 'echo:hello', []]);
    const tls = { ...elsewhere, OPENAI_BASE_URL: 'https://model.invalid/v1' };
    expect(await ask({ ...tls, HTTPS_PROXY: url })).toEqual([502, undefined, ['tunnel model.invalid:443']]);
  },
);

promise(
  'context.outgrown',
  'a conversation that outgrows the window of the model continues with less history, in whole turns, and learns how much fits',
  async () => {
    const size = ({ messages }: ModelRequest) =>
      messages.reduce((sum, { content }) => sum + content.length, 0);
    const event = (error: unknown): Script => [
      { raw: `event: error\ndata: ${JSON.stringify(error)}\n\n` },
      { end: true },
    ];
    const tooLong: readonly (() => Script)[] = [
      () => refusal(400, { code: 'context_length_exceeded', message: 'no' }),
      () =>
        refusal(400, { message: "This model's maximum context length is 4096 tokens. You requested 5000" }),
      () =>
        refusal(400, {
          type: 'exceed_context_size_error',
          message: 'the request exceeds the available size',
        }),
      () => refusal(400, { message: 'prompt is too long: 210000 tokens > 200000 maximum' }),
      () => refusal(500, { code: 500, message: 'Context size has been exceeded.' }),
      () =>
        event({ error: 'Trying to keep the first 5000 tokens when the context length is only 4096 tokens.' }),
      () => [
        { raw: 'error: {"code":400,"message":"the request exceeds the available context size"}\n\n' },
        { end: true },
      ],
      () => [{ finish: 'model_context_window_exceeded' }],
    ];
    const deployment = await deploymentWith((request) => {
      const place = Number(/^(\d+) /.exec(request.messages.at(-1)?.content ?? '')?.[1]);
      return size(request) > 1500 ? (tooLong[place]?.() ?? []) : textDeltas('reply '.repeat(60), 100);
    });
    const replica = replicaOf(deployment, 0);
    for (const place of tooLong.keys()) {
      const id = `long-${place}`;
      const calls = deployment.model.requests.length;
      const statuses: number[] = [];
      for (let turn = 0; turn < 10; turn += 1) {
        statuses.push((await chat(replica, id, `${place} question ${'x '.repeat(90)}${turn}`)).status);
      }
      expect([place, statuses]).toEqual([place, Array(10).fill(200)]);
      const asked = deployment.model.requests.slice(calls);
      // It is refused a few times while the server learns, not at every turn.
      expect(asked.length).toBeLessThanOrEqual(15);
      for (const { messages } of asked) {
        const roles = messages.map((_, index) => (index % 2 === 0 ? 'user' : 'assistant'));
        expect(messages.map(({ role }) => role)).toEqual(roles);
      }
      expect((await saidIn(replica, id)).length).toBe(20);
    }
    const alone = await chat(replica, 'alone', `0 ${'y'.repeat(1600)}`);
    expect([alone.status, alone.body.error?.code]).toEqual([502, 'model_refused']);
  },
);

promise(
  'context.refused',
  'a history that the model refuses for its content does not lock its session: it is asked once without it',
  async () => {
    const deployment = await deploymentWith((request) =>
      request.messages.some(({ content }) => content === 'poison') && request.messages.length > 1
        ? refusal(400, { message: 'I dislike this', code: 'dislike' })
        : echo(request),
    );
    const replica = replicaOf(deployment, 0);
    await chat(replica, 'poisoned', 'poison');
    for (const message of ['one', 'two']) {
      expect((await chat(replica, 'poisoned', message)).body.reply).toBe(`echo:${message}`);
    }
  },
);
