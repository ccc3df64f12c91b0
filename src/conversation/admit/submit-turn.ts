import { randomUUID } from 'node:crypto';
import { assertNever, TurnwiseError } from '../../errors.ts';
import { LiveTurn } from '../live/live-turn.ts';
import type { Exists, Joining } from '../ports/admission.ts';
import type { Core } from '../ports/core.ts';
import type { Grant } from '../ports/turns.ts';
import { wholeHistory } from '../read/whole-history.ts';
import { checkResults } from '../run/plan.ts';
import { askForLock, runTurn } from '../run/run-turn.ts';
import { waitForTurn } from '../run/wait-turn.ts';
import type { OnBusy, TurnProfile, TurnRef } from '../turn.ts';
import { confirmAdmission, settle } from './confirm.ts';
import { earlierTurn, keyUseOf, type Repeat, repeatOf } from './idempotency.ts';
import { checkInput } from './limits.ts';
import { revokeAdmission, revokeJoined } from './revoke.ts';
import type { TurnRequest } from './turn-request.ts';

/** `isRepeat`: it had been accepted before, under the same Idempotency-Key. */
export interface Submitted {
  readonly turn: TurnRef;
  readonly isRepeat: boolean;
}

/** Counts one more turn of the caller. @throws rate_limited */
export type CountTurn = () => Promise<void>;

/**
 * Accepts a turn. When this returns, the turn is stored in Redis and will be answered even if this replica dies; when
 * it throws anything but commit_unknown, nothing of it remains or will run.
 *
 * @param count  called before a turn is begun, but not for a repeat; null: turns are not counted
 * @throws what `count` throws. commit_unknown: Redis stopped replying while the turn was confirmed, so it may or may
 *         not run. model_not_found, invalid_request, too_large, session_busy, queue_full, idempotency_mismatch,
 *         corrupt_session, draining, overloaded, redis_unavailable, storage_full
 */
export async function submitTurn(
  core: Core,
  request: TurnRequest,
  count: CountTurn | null,
): Promise<Submitted> {
  core.live.checkRoom();
  const { options, door, echo, onDisconnect } = request;
  const profile: TurnProfile = {
    ...core.agents.choose(request.model),
    ...{ door, options, echo },
    onDisconnect: onDisconnect ?? core.limits.onDisconnect,
  };
  const { agent, counter, systemPrompt } = core.agents.forTurn(profile);
  const { contextTokens } = agent;
  await checkInput(request.input, options.history, { ...core.limits, systemPrompt, contextTokens, counter });
  // Whether there is such a call is known for sure only when the turn runs; but a session must not begin with it.
  if (request.input.some(({ role }) => role === 'tool') && !(await core.sessions.history(request.session))) {
    checkResults([], request.input);
  }
  const repeat = repeatOf(request, core.limits.onBusy);
  const isRepeat =
    count !== null && repeat !== null && (await core.admission.knows(request.session, repeat.keyHash));
  if (!isRepeat) await count?.();
  const onBusy = request.onBusy ?? core.limits.onBusy;
  let submission: Submission = { request, profile, onBusy, repeat, replaces: null };
  for (let stale = 0; ; ) {
    const tried = await submitOnce(core, submission);
    if (tried.kind === 'accepted') return { turn: tried.turn, isRepeat: false };
    if (tried.kind === 'passed') {
      submission = await forked(core, submission);
      continue;
    }
    if (tried.kind === 'stale') {
      stale += 1;
      // The waiting turn cannot be joined: to wait behind it is the next best.
      if (stale >= JOIN_TRIES) submission = { ...submission, onBusy: 'enqueue' };
      continue;
    }
    const earlier = repeat === null ? null : await earlierTurn(core, request.session, repeat, tried);
    if (earlier !== null) return { turn: earlier, isRepeat: true };
    // Its first try failed for a reason that may pass, or left nothing behind: it runs anew.
    if (isRepeat) await count?.();
    submission = { ...submission, replaces: tried.value };
  }
}

const JOIN_TRIES = 3;

interface Submission {
  readonly request: TurnRequest;
  readonly profile: TurnProfile;
  readonly onBusy: OnBusy;
  readonly repeat: Repeat | null;
  /** What an earlier try stored under the Idempotency-Key, and this one may replace. */
  readonly replaces: string | null;
}

/** `stale`: the turn that was to be joined can no longer be joined. `passed`: others follow the one to be continued. */
type Tried =
  | { readonly kind: 'accepted'; readonly turn: TurnRef }
  | { readonly kind: 'stale' }
  | { readonly kind: 'passed' }
  | Exists;

/**
 * The same message in a new session, which begins with the history up to the turn that it continues.
 *
 * @throws turn_not_found: the history does not have that turn
 */
async function forked(core: Core, submission: Submission): Promise<Submission> {
  const { request, profile } = submission;
  const of = request.session;
  const newest = await core.sessions.history(of);
  const history = newest === null ? null : await wholeHistory(core, of, newest);
  const until = history?.messages.findLast(({ turnId }) => turnId === request.follows);
  if (until === undefined) throw new TurnwiseError('turn_not_found');
  const session = { ...of, conversationId: randomUUID() };
  const use = { kind: 'fork', of: of.conversationId, until: until.id } as const;
  return {
    ...submission,
    request: { ...request, session, follows: null },
    profile: { ...profile, options: { ...profile.options, history: use } },
  };
}

async function submitOnce(core: Core, submission: Submission): Promise<Tried> {
  const { request, profile, onBusy, repeat, replaces } = submission;
  const turn: TurnRef = { session: request.session, turnId: core.newTurnId() };
  const live = new LiveTurn(turn, profile.onDisconnect);
  // Entered before it is admitted: the wake-up may come before the reply.
  core.live.enter(live);
  let [isHere, mayBeAdmitted] = [false, true];
  try {
    const key = keyUseOf(repeat, turn.turnId, replaces);
    const { input, ownerAsGiven, follows } = request;
    const admitted = await core.admission.admit({ turn, ownerAsGiven, input, profile, follows, onBusy, key });
    // A refusal means that nothing was written.
    mayBeAdmitted = admitted.kind === 'granted' || admitted.kind === 'queued';
    switch (admitted.kind) {
      case 'granted':
        await start(core, live, admitted.grant, submission);
        isHere = true;
        return { kind: 'accepted', turn };
      case 'queued':
        await enqueue(core, live, admitted.position);
        isHere = true;
        return { kind: 'accepted', turn };
      case 'join':
        return await join(core, submission, { ...turn, turnId: admitted.turnId }, turn.turnId);
      case 'exists':
        return admitted;
      case 'passed':
        return { kind: 'passed' };
      case 'busy': {
        const { turnId, position } = admitted;
        const details = { turn_id: turnId, session_id: turn.session.conversationId, position };
        throw new TurnwiseError('session_busy', { details });
      }
      case 'full':
        throw new TurnwiseError('queue_full');
      case 'late':
      case 'unsent':
        throw new TurnwiseError('redis_unavailable');
      default:
        return assertNever(admitted);
    }
  } catch (error) {
    if (mayBeAdmitted) void revokeAdmission(core, turn, error);
    throw error;
  } finally {
    if (!isHere) {
      // A reader that found it here under the same Idempotency-Key continues from the log.
      live.feed.close('moved');
      core.live.remove(live);
    }
  }
}

/** Confirms the admission and asks for the lock at once; when confirmed, the turn is accepted, lock or not. */
async function start(core: Core, live: LiveTurn, grant: Grant, submission: Submission): Promise<void> {
  const asked = askForLock(core, live);
  try {
    await confirmAdmission(core, live.ref);
  } catch (error) {
    void asked.reply.then(
      (lease) => lease?.release(),
      () => {},
    );
    throw error;
  }
  const { request, profile } = submission;
  const granted = { ...grant, input: request.input, profile, ranMs: 0 };
  void runTurn(core, live, granted, asked).finally(() => core.live.remove(live));
}

async function enqueue(core: Core, live: LiveTurn, position: number): Promise<void> {
  await confirmAdmission(core, live.ref);
  if (position > 0) {
    live.emit({ type: 'queued', position });
    // Logged by the script that admitted the turn.
    live.markLogged();
  }
  void waitForTurn(core, live, position).finally(() => core.live.remove(live));
}

/** `coalesce`: the message becomes part of a waiting turn, on any replica. */
async function join(core: Core, submission: Submission, turn: TurnRef, joinerId: string): Promise<Tried> {
  const { request, profile, repeat, replaces } = submission;
  const key = keyUseOf(repeat, turn.turnId, replaces);
  const joining: Joining = { turn, joinerId, input: request.input, profile, key };
  const joined = await settle(turn, () => core.admission.join(joining)).catch((error: unknown) => {
    void revokeJoined(core, joining);
    throw error;
  });
  switch (joined.kind) {
    case 'joined':
      return { kind: 'accepted', turn };
    case 'stale':
      return { kind: 'stale' };
    case 'exists':
      return joined;
    case 'too_large':
      throw new TurnwiseError('too_large', {
        message: `the messages of the waiting turn would be longer than ${core.limits.maxMessageBytes} bytes together`,
      });
    case 'late':
      throw new TurnwiseError('redis_unavailable');
    default:
      return assertNever(joined);
  }
}
