import { assertNever, TurnwiseError } from '../errors.ts';
import type { Exists } from './admission-port.ts';
import type { TurnDeps } from './deps.ts';
import { earlierTurn } from './earlier-turn.ts';
import { idempotencyOf, type Repeat } from './idempotency.ts';
import { LiveTurn } from './live-turn.ts';
import { checkMessage } from './message-limits.ts';
import type { Grant, TurnRef } from './ports.ts';
import { askForLock, runGranted } from './run-granted.ts';
import type { SessionRef } from './session.ts';
import { takeBack, takeBackJoined } from './take-back.ts';
import type { OnBusy } from './turn.ts';
import { confirmAdmission, untilSettled } from './until-settled.ts';
import { waitForTurn } from './wait-turn.ts';

export interface TurnRequest {
  readonly session: SessionRef;
  readonly ownerAsGiven: string;
  readonly message: string;
  /** What the caller asked for; null: the deployment's ON_BUSY. */
  readonly onBusy: OnBusy | null;
  readonly idempotencyKey: string | null;
}

/** `isRepeat`: it had been taken in before, under the same Idempotency-Key. */
export interface Submitted {
  readonly turn: TurnRef;
  readonly isRepeat: boolean;
}

/** Counts one more turn of the caller. @throws rate_limited */
export type CountTurn = () => Promise<void>;

/**
 * Takes a turn in. When this returns, the turn stands in Redis and will be answered even if this replica dies;
 * when it throws anything but commit_unknown, nothing of it remains or will run.
 *
 * @param count  called before a turn is begun, but not for one that the caller only asks for again
 * @throws what `count` throws. commit_unknown: Redis fell silent while the turn was made to count, so that it may run or
 *         not. invalid_request, too_large, session_busy, queue_full, idempotency_mismatch, corrupt_session,
 *         draining, overloaded, redis_unavailable, storage_full
 */
export async function submitTurn(
  deps: TurnDeps,
  request: TurnRequest,
  count: CountTurn | null = null,
): Promise<Submitted> {
  deps.live.checkRoom();
  await checkMessage(request.message, deps.limits, deps.counter);
  const repeat = idempotencyOf(request, deps.limits.onBusy);
  const isRepeat =
    count !== null && repeat !== null && (await deps.admission.knows(request.session, repeat.keyHash));
  if (!isRepeat) await count?.();
  let submission: Submission = { request, repeat, replaces: null };
  for (let stale = 0; ; ) {
    const tried = await tryOnce(deps, submission);
    if (tried.kind === 'in') return { turn: tried.turn, isRepeat: false };
    if (tried.kind === 'stale') {
      stale += 1;
      // What waits there cannot be joined: to wait behind it is the next best.
      if (stale >= JOIN_TRIES) submission = { ...submission, request: { ...request, onBusy: 'enqueue' } };
      continue;
    }
    const earlier = repeat === null ? null : await earlierTurn(deps, request.session, repeat, tried);
    if (earlier !== null) return { turn: earlier, isRepeat: true };
    // Its first try failed in a way that may pass, or nothing is left of it: it runs anew.
    if (isRepeat) await count?.();
    submission = { ...submission, replaces: tried.idempotencyValue };
  }
}

const JOIN_TRIES = 3;

/** A request with what its Idempotency-Key means for it. */
interface Submission {
  readonly request: TurnRequest;
  readonly repeat: Repeat | null;
  /** What is kept under the key of an earlier try, and may be replaced. */
  readonly replaces: string | null;
}

/** `stale`: what was to be joined no longer waits. */
type Tried = { readonly kind: 'in'; readonly turn: TurnRef } | { readonly kind: 'stale' } | Exists;

async function tryOnce(deps: TurnDeps, submission: Submission): Promise<Tried> {
  const { request, repeat, replaces } = submission;
  const turn: TurnRef = {
    session: request.session,
    turnId: deps.newTurnId(),
    idempotencyHashes: repeat === null ? [] : [repeat.keyHash],
  };
  const live = new LiveTurn(turn);
  // Listening before it is admitted: the wake-up may come before the answer.
  deps.live.enter(live);
  let [isHere, mayStand] = [false, true];
  try {
    const admitted = await deps.admission.admit({
      turn,
      ownerAsGiven: request.ownerAsGiven,
      message: request.message,
      onBusy: request.onBusy ?? deps.limits.onBusy,
      idempotencyValue: repeat?.valueFor(turn.turnId) ?? null,
      replacesIdempotencyValue: replaces,
    });
    // What Redis refused it has not written.
    mayStand = admitted.kind === 'granted' || admitted.kind === 'queued';
    switch (admitted.kind) {
      case 'granted':
        await start(deps, live, admitted.grant, request.message);
        isHere = true;
        return { kind: 'in', turn };
      case 'queued':
        await enqueue(deps, live, admitted.position);
        isHere = true;
        return { kind: 'in', turn };
      case 'join':
        return await join(deps, submission, { ...turn, turnId: admitted.turnId }, turn.turnId);
      case 'exists':
        return admitted;
      case 'busy':
        throw new TurnwiseError('session_busy', {
          details: { turn_id: admitted.turnId, position: admitted.position },
        });
      case 'full':
        throw new TurnwiseError('queue_full');
      case 'late':
      case 'unsent':
        throw new TurnwiseError('redis_unavailable');
      default:
        return assertNever(admitted);
    }
  } catch (error) {
    if (mayStand) void takeBack(deps, turn, error);
    throw error;
  } finally {
    if (!isHere) {
      // Who found it here under the same Idempotency-Key reads on in the log.
      live.feed.close('moved');
      deps.live.remove(live);
    }
  }
}

/** Confirms the admission and asks for the lock in one go; once it is confirmed the turn is in, lock or not. */
async function start(deps: TurnDeps, live: LiveTurn, grant: Grant, message: string): Promise<void> {
  const asked = askForLock(deps, live);
  try {
    await confirmAdmission(deps, live.ref);
  } catch (error) {
    void asked.answer.then(
      (lease) => lease?.release(),
      () => {},
    );
    throw error;
  }
  const { idempotencyHashes } = live.ref;
  const openGrant = { ...grant, userMessages: [message], ranMs: 0, idempotencyHashes };
  void runGranted(deps, live, openGrant, asked).finally(() => deps.live.remove(live));
}

async function enqueue(deps: TurnDeps, live: LiveTurn, position: number): Promise<void> {
  await confirmAdmission(deps, live.ref);
  if (position > 0) live.emit({ type: 'queued', position });
  void waitForTurn(deps, live, position).finally(() => deps.live.remove(live));
}

/** `coalesce`: the message becomes part of a turn that waits, on whichever replica. */
async function join(deps: TurnDeps, submission: Submission, turn: TurnRef, joinerId: string): Promise<Tried> {
  const joining = {
    turn,
    joinerId,
    message: submission.request.message,
    idempotencyValue: submission.repeat?.valueFor(turn.turnId) ?? null,
    replacesIdempotencyValue: submission.replaces,
  };
  const joined = await untilSettled(turn, () => deps.admission.join(joining)).catch((error: unknown) => {
    void takeBackJoined(deps, turn, joinerId);
    throw error;
  });
  switch (joined.kind) {
    case 'joined':
      return { kind: 'in', turn };
    case 'stale':
      return { kind: 'stale' };
    case 'exists':
      return joined;
    case 'too_large':
      throw new TurnwiseError('too_large', {
        message: `the messages of the waiting turn would be longer than ${deps.limits.maxMessageBytes} bytes together`,
      });
    case 'late':
      throw new TurnwiseError('redis_unavailable');
    default:
      return assertNever(joined);
  }
}
