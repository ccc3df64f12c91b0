import OpenAI from 'openai';
import { beforeAll, expect } from 'vitest';
import { textDeltas } from '../../testkit/model/scripted-model.ts';
import {
  type Deployment,
  follow,
  historyOf,
  replicaOf,
  startDeployment,
} from '../../testkit/server/deployment.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { openai } from '../support/openai-client.ts';
import { processPromise } from './promises.ts';

let deployment: Deployment;

beforeAll(async () => {
  deployment = await startDeployment(1, { TURN_MAX_ATTEMPTS: '3' });
});

const hello = { model: 'scripted', messages: [{ role: 'user' as const, content: 'hello' }] };

/** The first call of the model says half of an answer, the next ones all of it. */
function halfThenWhole() {
  const gate = deployment.model.gate();
  let calls = 0;
  deployment.model.reply(() => {
    calls += 1;
    return calls === 1 ? [{ delta: 'half' }, { wait: gate }] : textDeltas('a whole answer');
  });
}

/** Reads a stream in the background. */
function reading(stream: AsyncIterable<OpenAI.ChatCompletionChunk>) {
  const read = { text: '', error: null as unknown };
  const ended = (async () => {
    try {
      for await (const { choices } of stream) read.text += choices[0]?.delta.content ?? '';
    } catch (error) {
      read.error = error;
    }
  })();
  return { read, ended };
}

processPromise(
  'chat.takeover.stream',
  'a stream whose answer begins anew on another replica ends with an error frame; a whole answer is that of the new attempt',
  async () => {
    halfThenWhole();
    const survivor = replicaOf(deployment, 0);
    const dying = await deployment.another();
    const headers = { 'x-session-id': 'taken-over', 'idempotency-key': 'one' };
    const ask = (at: { readonly url: string }) =>
      openai(at)
        .chat.completions.create({ ...hello, stream: true }, { headers })
        .withResponse();
    const asked = await ask(dying);
    const own = reading(asked.data);
    await waitFor(() => own.read.text === 'half', { what: 'half of the answer' });
    const elsewhere = reading((await ask(survivor)).data);
    await waitFor(() => elsewhere.read.text === 'half', { what: 'the same on the other replica' });
    const whole = openai(survivor).chat.completions.create(hello, { headers });
    // A reader that stays: without any the turn would be cancelled.
    const native = await follow(survivor, 'taken-over', String(asked.response.headers.get('x-turn-id')));
    await native.until('delta');
    await dying.kill();
    await Promise.all([own.ended, elsewhere.ended]);
    expect(own.read.error).toBeInstanceOf(Error);
    expect(elsewhere.read.error).toBeInstanceOf(OpenAI.APIError);
    expect(elsewhere.read).toMatchObject({ text: 'half', error: { code: 'commit_unknown' } });
    expect((await whole).choices[0]?.message.content).toBe('a whole answer');
    expect(await historyOf(survivor, 'taken-over')).toEqual(['user: hello', 'assistant: a whole answer']);
  },
);

processPromise(
  'chat.takeover.again',
  'after a kill in mid-answer the same request is answered, and history never has the question twice',
  async () => {
    halfThenWhole();
    const survivor = replicaOf(deployment, 0);
    const dying = await deployment.another();
    const headers = { 'x-session-id': 'asked-again' };
    const own = reading(await openai(dying).chat.completions.create({ ...hello, stream: true }, { headers }));
    await waitFor(() => own.read.text === 'half', { what: 'half of the answer' });
    await dying.kill();
    await own.ended;
    expect(own.read.error).toBeInstanceOf(Error);
    const again = await openai(survivor, {}, 2).chat.completions.create(hello, { headers });
    expect(again.choices[0]?.message.content).toBe('a whole answer');
    expect(await historyOf(survivor, 'asked-again')).toEqual(['user: hello', 'assistant: a whole answer']);
  },
);

processPromise(
  'chat.takeover.drain',
  'a replica that shuts down ends a stream with an error frame, and tells whoever waits for a whole answer not to ask again by itself',
  async () => {
    const gate = deployment.model.gate();
    let calls = 0;
    deployment.model.reply(() => {
      calls += 1;
      return [{ delta: 'half' }, { wait: gate }, { delta: ' and more' }];
    });
    const leaving = await deployment.another({ SHUTDOWN_GRACE_SECONDS: '0' });
    const stream = reading(
      await openai(leaving).chat.completions.create(
        { ...hello, stream: true },
        { headers: { 'x-session-id': 'drained' } },
      ),
    );
    const whole = openai(leaving, {}, 2).chat.completions.create(hello, {
      headers: { 'x-session-id': 'drained-whole' },
    });
    await waitFor(() => calls === 2 && stream.read.text === 'half', { what: 'both answers to begin' });
    leaving.term();
    const refused: unknown = await whole.catch((error: unknown) => error);
    expect(refused).toMatchObject({ status: 503, code: 'draining' });
    if (!(refused instanceof OpenAI.APIError)) throw refused;
    expect(refused.headers?.get('x-should-retry')).toBe('false');
    await stream.ended;
    expect(stream.read.error).toMatchObject({ code: 'draining' });
    gate.open();
  },
);
