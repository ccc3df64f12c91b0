import { brokenReplies, endless, withoutDone } from '../../testkit/model/broken-replies.ts';
import type { Step } from '../../testkit/model/model-script.ts';
import { PLAIN } from '../rig/world.ts';
import type { Row } from '../row.ts';
import type { Trial } from '../trial.ts';
import { memoryOf } from './redis-restart.ts';
import { SLACK_MS } from './traffic.ts';

const MODEL_TIMES = {
  MODEL_FIRST_TOKEN_TIMEOUT_MS: '800',
  MODEL_IDLE_TIMEOUT_MS: '500',
  MODEL_MAX_RETRIES: '1',
  MAX_OUTPUT_BYTES: '20000',
  TURN_MAX_SECONDS: '3',
};

const MODEL_WORLD = { ...PLAIN, env: MODEL_TIMES };

/** Asks once with a failing model; the turn must fail as expected, and the session continue. */
async function failsAs(
  trial: Trial,
  name: string,
  codes: readonly string[],
  script: () => Iterable<Step> | AsyncIterable<Step>,
): Promise<number> {
  const { random, world } = trial;
  trial.rules = { ...trial.rules, codes: [...trial.rules.codes, ...codes] };
  const session = trial.session();
  await trial.say(session);
  const token = trial.token(session);
  const plan = { script };
  world.model.plan(token, plan, plan, plan);
  const sentAt = performance.now();
  const behind = random.next() < 0.5;
  const failing = trial.begin(
    session,
    { route: random.pick(['json', 'stream'] as const) },
    trial.anySlot(),
    token,
  );
  const next = behind ? trial.begin(session) : null;
  await failing.ended;
  const tookMs = performance.now() - sentAt;
  const { end } = failing.send;
  if (end.kind !== 'error' || !codes.includes(end.code)) {
    trial.wrong(`${name}: the turn ended ${end.kind === 'error' ? end.code : end.kind}`, session);
  }
  await next?.ended;
  const calls = world.model.calls.filter((call) => call.messages.at(-1)?.content.includes(`${token} `));
  if (calls.length > 2) trial.wrong(`${name}: the model was called ${calls.length} times`, session);
  return tookMs;
}

async function refusingModel(trial: Trial): Promise<void> {
  for (const status of [429, 500, 503]) {
    const headers = trial.random.next() < 0.5 ? { 'retry-after': '0' } : undefined;
    const step: Step = { status, ...(headers && { headers }) };
    const tookMs = await failsAs(trial, `status ${status}`, ['model_error'], () => [step]);
    trial.measure('a refusing model is reported', tookMs, 3000 + SLACK_MS);
  }
}

export const r18: Row = {
  id: 'R18',
  fault: 'the model answers 429, 500 or 503, with and without Retry-After',
  holds:
    '502 model_error after at most MODEL_MAX_RETRIES further calls; no user message remains without an answer',
  played: 'a 429 of the model is 502 for the caller',
  world: MODEL_WORLD,
  quick: 1,
  long: 20,
  run: refusingModel,
};

async function silentModel(trial: Trial): Promise<void> {
  const cases: [string, number, () => Step[]][] = [
    ['no head', 800, () => [{ delayMs: 60_000 }]],
    ['a head and no token', 800, () => [{ headers: {} }, { hang: true }]],
    ['silence between tokens', 500, () => [{ delta: 'one' }, { hang: true }]],
  ];
  for (const [name, timeMs, script] of cases) {
    const tookMs = await failsAs(trial, name, ['model_timeout'], script);
    // Silence before the head may be retried once.
    trial.measure(`${name} is reported`, tookMs, 2 * timeMs + 1000 + SLACK_MS);
  }
}

export const r19: Row = {
  id: 'R19',
  fault: 'the model hangs: before its head, before the first token, between tokens',
  holds: '504 model_timeout in time; the turn behind runs after it',
  played: null,
  world: MODEL_WORLD,
  quick: 1,
  long: 20,
  run: silentModel,
};

async function brokenModel(trial: Trial): Promise<void> {
  await Promise.all(
    Object.entries(brokenReplies).map(([name, script]) =>
      failsAs(trial, name, ['model_error', 'model_timeout'], () => script() as Step[]),
    ),
  );
  const session = trial.session();
  const token = trial.token(session);
  // This answer has an unusual form, so only its acceptance is checked.
  trial.world.model.plan(token, { script: (call) => [{ delta: call.answer }, ...withoutDone().slice(1)] });
  const send = await trial.say(session, {}, undefined, token);
  if (send.end.kind !== 'done') trial.wrong('an answer without [DONE] was not accepted', session);
}

export const r20: Row = {
  id: 'R20',
  fault: 'the model’s stream is broken in twelve ways',
  holds: '502 or an error event, nothing is stored; an answer that only lacks [DONE] is accepted',
  played: null,
  world: MODEL_WORLD,
  quick: 1,
  long: 20,
  run: brokenModel,
};

async function endlessModel(trial: Trial): Promise<void> {
  const before = await memoryOf(trial);
  const [fast, slow] = await Promise.all([
    failsAs(trial, 'an endless answer', ['model_error'], () => endless(1000, 0)),
    failsAs(trial, 'a dribbling answer', ['model_timeout'], () => endless(1, 100)),
  ]);
  trial.measure('an endless answer is cut', fast, 2000 + SLACK_MS);
  trial.measure('a dribbling answer is cut', slow, 3000 + 1000 + SLACK_MS);
  const grown = (await memoryOf(trial)) - before;
  if (grown > 300_000_000) trial.wrong(`an endless answer cost ${grown} bytes`);
}

export const r21: Row = {
  id: 'R21',
  fault: 'the model never ends, fast or byte by byte',
  holds: 'cut at MAX_OUTPUT_BYTES or TURN_MAX_SECONDS; memory stays bounded',
  played: null,
  world: MODEL_WORLD,
  quick: 1,
  long: 10,
  run: endlessModel,
};
