import { beforeAll, beforeEach, expect } from 'vitest';
import { Agents } from '../../src/conversation/agent.ts';
import { tokenCounterFor } from '../../src/model/tokens.ts';
import { call } from '../../testkit/http/http.ts';
import { openStream } from '../../testkit/http/sse.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import {
  type Deployment,
  replicaOf,
  say,
  startDeployment,
  turnIdOf,
} from '../../testkit/server/deployment.ts';
import type { Replica } from '../../testkit/server/replica.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { promise } from './promises.ts';

let deployment: Deployment;
let replica: Replica;

beforeAll(async () => {
  deployment = await startDeployment(1, { OPENAI_MODEL: 'first,second', SYSTEM_PROMPT: 'Be brief.' });
  replica = replicaOf(deployment, 0);
});
beforeEach(() => deployment.model.reply(echo));

interface Body {
  readonly reply?: string;
  readonly error?: { readonly code: string };
}

const ask = (id: string, message: string, more: object = {}, headers: Record<string, string> = {}) =>
  call<Body>(replica.url, 'POST', '/api/chat', { message, conversation_id: id, ...more }, headers);

promise(
  'agents.model',
  'a message may choose a model of OPENAI_MODEL, the first is the default, any other is 404 before a session exists',
  async () => {
    await ask('chosen', 'one');
    await ask('chosen', 'two', { model: 'second' });
    await ask('chosen', 'three', { model: 'first' });
    expect(deployment.model.requests.slice(-3).map(({ body }) => body.model)).toEqual([
      'first',
      'second',
      'first',
    ]);
    const before = deployment.model.requests.length;
    expect(await ask('unknown', 'hello', { model: 'third' })).toMatchObject({
      status: 404,
      body: { error: { code: 'model_not_found' } },
    });
    expect((await call(replica.url, 'GET', '/api/sessions/unknown')).status).toBe(404);
    expect(deployment.model.requests).toHaveLength(before);
  },
);

promise(
  'agents.model.window',
  'what one model was found to refuse is remembered for that model: another one is asked with the whole history',
  async () => {
    for (const message of ['one', 'two', 'three']) await ask('window', message);
    deployment.model.reply((request) =>
      request.body.model === 'second' && request.messages.length > 4
        ? [{ status: 400, body: { error: { code: 'context_length_exceeded', message: 'too long' } } }]
        : echo(request),
    );
    expect((await ask('window', 'four', { model: 'second' })).status).toBe(200);
    expect(deployment.model.requests.at(-1)?.messages.length).toBeLessThan(5);
    expect((await ask('window', 'five', { model: 'first' })).status).toBe(200);
    expect(deployment.model.requests.at(-1)?.messages).toHaveLength(10);
  },
);

promise(
  'agents.model.same-request',
  'an Idempotency-Key covers the model, and a message joins no turn that another model answers',
  async () => {
    const key = { 'idempotency-key': 'k' };
    expect((await ask('key', 'hello', { model: 'second' }, key)).status).toBe(200);
    expect((await ask('key', 'hello', { model: 'second' }, key)).status).toBe(200);
    expect((await ask('key', 'hello', {}, key)).body.error?.code).toBe('idempotency_mismatch');

    const gate = deployment.model.gate();
    deployment.model.reply((request) =>
      request.messages.at(-1)?.content === 'first' ? [{ wait: gate }, ...echo(request)] : echo(request),
    );
    const running = say(replica, 'joins', 'first');
    await gate.reached;
    const waiting = await say(replica, 'joins', 'waits');
    const [other, same] = [
      ask('joins', 'other', { model: 'second', on_busy: 'coalesce' }),
      ask('joins', 'same', { on_busy: 'coalesce' }),
    ];
    await waitFor(async () => (await deployment.redis.ask('ZCARD', 'turnwise:{-/joins}:queue')) === 2, {
      what: 'both to wait',
    });
    gate.open();
    await Promise.all([(await running).all(), waiting.all(), other, same]);
    const last = deployment.model.requests
      .slice(-2)
      .map(({ body, messages }) => [
        body.model,
        messages.filter(({ role }) => role === 'user').map(({ content }) => content),
      ]);
    expect(last.at(-1)?.[0]).toBe('second');
    expect(last[0]).toEqual(['first', expect.arrayContaining(['first', 'waits'])]);
  },
);

promise(
  'agents.record',
  'the record of a turn names agent, model, door and caller, so a takeover runs the same thing',
  async () => {
    const gate = deployment.model.gate();
    let isHeld = true;
    deployment.model.reply((request) => (isHeld ? [{ delta: 'x' }, { wait: gate }] : echo(request)));
    const leaving = await deployment.another({ SHUTDOWN_GRACE_SECONDS: '0' });
    const own = await openStream(`${leaving.url}/api/chat/stream`, {
      method: 'POST',
      body: { message: 'goes on', conversation_id: 'taken', model: 'second' },
    });
    await own.until('delta');
    const record = (await deployment.redis.ask(
      'HMGET',
      `turnwise:{-/taken}:turn:${turnIdOf(own)}`,
      ...['agent', 'model', 'door', 'caller', 'on_disconnect'],
    )) as string[];
    expect(record).toEqual(['default', 'second', 'native', '-', 'continue']);
    isHeld = false;
    const before = deployment.model.requests.length;
    leaving.term();
    await waitFor(() => deployment.model.requests.length > before, { what: 'the turn to be taken over' });
    expect(deployment.model.requests.at(-1)?.body.model).toBe('second');
    gate.open();
  },
);

promise(
  'agents.options',
  'request options replace the instructions and extend the parameters and tools of the agent, for that turn only',
  () => {
    const agents = new Agents([
      {
        name: 'default',
        models: ['first', 'second'],
        systemPrompt: 'Be brief.',
        parameters: { temperature: 0, seed: 7 },
        contextTokens: 100,
        counterFor: tokenCounterFor,
      },
    ]);
    const asked = { agent: 'default', model: 'second', door: 'native' } as const;
    const profile = { ...asked, onDisconnect: 'continue', echo: '' } as const;
    const tools = [{ type: 'function', function: { name: 'now' } }];
    const options = { instructions: 'Be long.', parameters: { temperature: 1 }, tools };
    expect(agents.forTurn({ ...profile, options })).toMatchObject({
      model: 'second',
      systemPrompt: 'Be long.',
      parameters: { temperature: 1, seed: 7, tools },
    });
    const plain = agents.forTurn({ ...profile, options: {} });
    expect([plain.systemPrompt, plain.parameters]).toEqual(['Be brief.', { temperature: 0, seed: 7 }]);
    // The agent's settings changed since the turn was admitted: it runs with the recorded ones.
    expect(agents.forTurn({ ...profile, agent: 'gone', model: 'older', options: {} }).model).toBe('older');
  },
);

promise(
  'agents.tokens',
  "tokens are counted with the encoding of the turn's model, one counter for each encoding",
  async () => {
    const text = 'Das Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen, 你好世界, 🦩🦩';
    const [newer, older] = [tokenCounterFor('gpt-4o'), tokenCounterFor('openai/gpt-4')];
    expect(await newer.count(text)).not.toBe(await older.count(text));
    expect(tokenCounterFor('gpt-4')).toBe(older);
    expect(tokenCounterFor('a-model-of-ones-own')).toBe(newer);
  },
);
