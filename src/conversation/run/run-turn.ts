import { performance } from 'node:perf_hooks';
import { TurnwiseError } from '../../errors.ts';
import { commitTurn } from '../end/commit-turn.ts';
import type { Outcome } from '../end/ending.ts';
import { leaveTurn } from '../end/leave-turn.ts';
import type { TurnEvent } from '../events.ts';
import { failureFrom } from '../failures.ts';
import type { LiveTurn } from '../live/live-turn.ts';
import type { Uses } from '../ports/core.ts';
import type { ModelAnswer } from '../ports/model.ts';
import type { Lease } from '../ports/sessions.ts';
import type { GrantedTurn } from '../ports/turns.ts';
import { Transcript } from '../transcript.ts';
import { answerTurn } from './answer-turn.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import { LogWriter } from './log-writer.ts';
import { type Plan, planFor } from './plan.ts';

export type RunPorts = Uses<
  'store' | 'lock' | 'takeover' | 'sessions' | 'model' | 'agents' | 'windows' | 'limits' | 'observer'
>;

/** A pending request for the lock: null when another holds it. */
export interface AskedLock {
  /** By the monotonic clock. */
  readonly sinceMs: number;
  readonly reply: Promise<Lease | null>;
}

export function askForLock({ lock }: Uses<'lock'>, turn: LiveTurn): AskedLock {
  const sinceMs = performance.now();
  const reply = lock.acquire(turn.ref.session);
  // Awaited later, when the turn has been accepted.
  reply.catch(() => {});
  return { sinceMs, reply };
}

/**
 * Runs a granted turn: takes the lock, asks, logs, commits, and only then reports that it is done. Ends the turn in
 * Redis and for its readers whatever happens; never throws.
 */
export async function runTurn(
  ports: RunPorts,
  turn: LiveTurn,
  grant: GrantedTurn,
  asked: AskedLock = askForLock(ports, turn),
): Promise<void> {
  const lease = await takeLock(ports, turn, grant.fence, asked);
  if (turn.loss === null) return runWithLock(ports, turn, grant, lease, asked.sinceMs);
  await lease?.release();
  return leaveTurn(ports, turn);
}

/**
 * Takes the lock of a granted turn. An earlier holder may have left it, or a request of our own whose reply was lost;
 * the fence says that no other replica may hold it, so it is freed and not waited for.
 *
 * @returns null when it cannot be taken now; the lease keeper keeps trying
 */
async function takeLock(
  { lock, store, observer }: Uses<'lock' | 'store' | 'observer'>,
  turn: LiveTurn,
  fence: string,
  asked: AskedLock,
): Promise<Lease | null> {
  try {
    const lease = await asked.reply;
    if (lease !== null || turn.loss !== null) return lease;
    if ((await store.freeLock(turn.ref, fence)) === 'fenced') {
      turn.lose('fenced');
      return null;
    }
    return await lock.acquire(turn.ref.session);
  } catch (error) {
    observer.failed('lock_take', error, turn.ref);
    return null;
  }
}

/** @param lease  null when the lock could not be taken yet: the fence alone decides until then */
async function runWithLock(
  ports: RunPorts,
  turn: LiveTurn,
  grant: GrantedTurn,
  lease: Lease | null,
  heldSinceMs: number,
): Promise<void> {
  const { fence, attempt } = grant;
  const keeper = new LeaseKeeper(ports, turn, fence, lease, heldSinceMs);
  const writer = new LogWriter(ports, turn, fence);
  const transcript = new Transcript();
  const speak = (event: TurnEvent) => {
    const id = turn.emit(event);
    transcript.add(event);
    writer.add(id, event, transcript.textLength);
  };
  const check = () => keeper.check();
  turn.beginAttempt(fence);
  if (attempt > 1) {
    turn.emit({ type: 'restarted', attempt });
    // Logged by the script that claimed the turn.
    turn.markLogged();
  }
  const decided: { plan: Plan | null } = { plan: null };
  const work = async (): Promise<ModelAnswer> => {
    // Every message was revoked, by a replica that had refused it.
    if (grant.input.length === 0 && grant.profile.options.history === undefined) {
      throw new TurnwiseError('redis_unavailable');
    }
    // Before it starts: what cannot be done at all is then the first event, and a door may still answer with a status.
    const plan = await planFor(ports, turn.ref, grant);
    decided.plan = plan;
    if (attempt === 1) speak({ type: 'started', attempt });
    if (!plan.asksModel) return { finishReason: 'stop', usage: null };
    const { history, input } = plan;
    return answerTurn(ports, turn, { ...grant, history, input }, { transcript, speak, check });
  };
  try {
    const outcome = await conclude(ports, turn, work);
    const unlogged = await writer.close();
    // An answer that is complete when the grace period ends is stored here, not asked for again elsewhere.
    if (turn.loss === null || (turn.loss === 'draining' && outcome.kind === 'completed')) {
      const product = {
        input: decided.plan?.input ?? grant.input,
        isStored: decided.plan?.isStored ?? grant.profile.options.history === undefined,
        change: decided.plan?.change ?? null,
        echo: grant.profile.echo,
        transcript,
        keepsReasoning: ports.limits.reasoning === 'store',
        attempt,
        messageCountBefore: grant.history.messageCount,
        lastId: turn.nextId(),
        unlogged,
      };
      await commitTurn(
        ports,
        turn,
        { turn: turn.ref, fence, lockValue: () => keeper.lockValue },
        product,
        outcome,
      );
    }
  } catch (error) {
    ports.observer.failed('turn_run', error, turn.ref);
    turn.lose('fenced');
  } finally {
    keeper.end();
    if (turn.loss !== null) await leaveTurn(ports, turn, keeper.lockValue);
    if (turn.loss === 'gone' || turn.loss === 'fenced') await keeper.release();
  }
}

/** How the turn ends, as far as this replica can see. */
async function conclude(
  { observer }: Uses<'observer'>,
  turn: LiveTurn,
  ask: () => Promise<ModelAnswer>,
): Promise<Outcome> {
  const startedAtMs = Date.now();
  try {
    const answered = await ask();
    return { kind: 'completed', answer: answered, startedAtMs, endedAtMs: Date.now() };
  } catch (error) {
    const times = { startedAtMs, endedAtMs: Date.now() };
    if (turn.stop !== null) return { kind: 'stopped', stop: turn.stop, ...times };
    if (turn.loss === null) observer.failed('turn_answer', error, turn.ref);
    return { kind: 'failed', failure: failureFrom(error), ...times };
  }
}
