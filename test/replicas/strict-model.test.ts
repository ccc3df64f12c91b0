import fc from 'fast-check';
import { expect } from 'vitest';
import { call, chat } from '../../testkit/http/http.ts';
import type { SseReader } from '../../testkit/http/sse.ts';
import { type ModelRequest, type Reply, textDeltas } from '../../testkit/model/scripted-model.ts';
import { testSeed } from '../../testkit/seed.ts';
import {
  type Deployment,
  replicaOf,
  say,
  startDeployment,
  turnIdOf,
} from '../../testkit/server/deployment.ts';
import type { Replica } from '../../testkit/server/replica.ts';
import { promise } from './promises.ts';

/** Why a strict server would refuse a request; null when it accepts it. */
function wrongWith({ messages, body }: ModelRequest): string | null {
  const [first, ...rest] = messages;
  const said = first?.role === 'system' ? rest : messages;
  if (rest.some(({ role }) => role === 'system')) return 'a system message that is not the first';
  if (messages.some(({ content }) => typeof content !== 'string' || content.trim() === ''))
    return 'blank content';
  if (said[0]?.role !== 'user') return 'the first message is not of the user';
  if (said.at(-1)?.role !== 'user') return 'the last message is not of the user';
  if (said.some(({ role }, index) => role === said[index - 1]?.role)) return 'roles must alternate';
  if (messages.reduce((sum, { content }) => sum + content.length, 0) > 2000) return 'the prompt is too long';
  if ('stream_options' in body) return 'unknown field';
  return null;
}

/** Answers by the first word of the newest message, and refuses whatever a strict server refuses. */
const strictModel =
  (deployment: Deployment, refused: Set<string>): Reply =>
  (request) => {
    const wrong = wrongWith(request);
    if (wrong !== null) refused.add(wrong);
    if (wrong !== null) return [{ status: 400, body: { error: { message: wrong } } }];
    const said = request.messages.at(-1)?.content ?? '';
    const word = said.split('\n\n').at(-1)?.split(' ')[0];
    switch (word) {
      case 'blank':
        return [{ delta: ' \n' }];
      case 'cut':
        return [{ delta: 'half' }, { destroySocket: true }];
      case 'fail':
        return [{ status: 500 }];
      case 'long':
        return textDeltas('word '.repeat(160), 200);
      case 'hold':
      case 'hush':
        return [...(word === 'hold' ? [{ delta: 'begun ' }] : []), { wait: deployment.model.gate() }];
      default:
        return textDeltas('fine');
    }
  };

type Step =
  | { readonly kind: 'say'; readonly word: string; readonly size: number }
  | { readonly kind: 'busy'; readonly held: string; readonly onBusy: string }
  | { readonly kind: 'cancel'; readonly held: string };

const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('say' as const),
    word: fc.constantFrom('hello', 'blank', 'cut', 'fail', 'long'),
    size: fc.integer({ min: 0, max: 1200 }),
  }),
  fc.record({
    kind: fc.constant('busy' as const),
    held: fc.constantFrom('hold', 'hush'),
    onBusy: fc.constantFrom('interrupt', 'rollback'),
  }),
  fc.record({ kind: fc.constant('cancel' as const), held: fc.constantFrom('hold', 'hush') }),
);

async function held(replica: Replica, id: string, word: string): Promise<SseReader> {
  const reader = await say(replica, id, `${word} on`);
  await reader.until(word === 'hold' ? 'delta' : 'started');
  return reader;
}

async function play(replica: Replica, id: string, step: Step): Promise<void> {
  switch (step.kind) {
    case 'say':
      await chat(replica, id, `${step.word} ${'x'.repeat(step.size)}`);
      return;
    case 'busy': {
      const reader = await held(replica, id, step.held);
      const waiting = ['one', 'two'].map((message) => chat(replica, id, message, { onBusy: 'coalesce' }));
      await chat(replica, id, 'instead', { onBusy: step.onBusy });
      await Promise.all([...waiting, reader.all()]);
      return;
    }
    case 'cancel': {
      const reader = await held(replica, id, step.held);
      await call(replica.url, 'POST', `/api/sessions/${id}/turns/${turnIdOf(reader)}/cancel`);
      await reader.all();
    }
  }
}

promise(
  'session.never-locked',
  'whatever our own features leave in a history, the strictest model continues to answer',
  async () => {
    const deployment = await startDeployment(1, {
      MODEL_MAX_RETRIES: '0',
      SESSION_MAX_MESSAGES: '9',
      SYSTEM_PROMPT: 'Be brief.',
    });
    const refused = new Set<string>();
    deployment.model.reply(strictModel(deployment, refused));
    const replica = replicaOf(deployment, 0);
    let runs = 0;
    const property = fc.asyncProperty(fc.array(steps, { minLength: 1, maxLength: 7 }), async (sequence) => {
      runs += 1;
      const id = `strict-${runs}`;
      for (const step of sequence) await play(replica, id, step);
      const { status, body } = await chat(replica, id, 'hello at last');
      expect([status, body.reply]).toEqual([200, 'fine']);
    });
    await fc.assert(property, { seed: testSeed | 0, numRuns: 60 });
    // A need of some servers is learned from a refusal; what every strict server refuses is never sent.
    const learned = ['roles must alternate', 'the prompt is too long', 'unknown field'];
    expect([...refused].filter((wrong) => !learned.includes(wrong))).toEqual([]);
  },
  120_000,
);
