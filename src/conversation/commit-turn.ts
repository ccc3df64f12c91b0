import { setTimeout as sleep } from 'node:timers/promises';
import { assertNever } from '../errors.ts';
import type { TurnDeps } from './deps.ts';
import { type Conclusion, endingFor, type Outcome, terminalEvent } from './ending.ts';
import type { TurnEvent } from './events.ts';
import { failureOfCode } from './failure.ts';
import type { LiveTurn } from './live-turn.ts';
import type { Ended, Ending, OpenGrant } from './ports.ts';

export interface CommitContext {
  readonly turn: LiveTurn;
  readonly grant: OpenGrant;
  readonly lockValue: () => string | null;
  /** All text that readers were given. */
  readonly said: readonly string[];
  /** Events that the log does not have for sure. */
  readonly unlogged: readonly TurnEvent[];
}

/** How long a finished answer is kept while Redis is away, and while it is full. */
const AWAY_PATIENCE_MS = 30_000;
const FULL_PATIENCE_MS = 5_000;
const COMMIT_RETRY_MS = 250;

/**
 * Makes a turn part of the history, or settles that nothing of it is; readers get the terminal event only after
 * Redis answered. Sent again while Redis is away: the script knows its own repeat, and the fence decides.
 */
export async function commitTurn(
  deps: TurnDeps,
  context: CommitContext,
  conclusion: Conclusion,
): Promise<void> {
  const { turn, grant } = context;
  let current = conclusion;
  const outcome: Outcome = {
    userMessages: grant.userMessages,
    messageCountBefore: grant.history.messageCount,
    lastId: turn.nextId(),
    said: context.said,
    unlogged: context.unlogged,
  };
  // From a try that failed: many long answers that end together wait for each other before the first is sent.
  let awaySinceMs: number | null = null;
  let fullSinceMs: number | null = null;
  for (;;) {
    const event = terminalEvent(outcome, current);
    const ending = endingFor(outcome, current, event);
    const ended = await endOnce(deps, context, ending);
    if (ended.kind !== 'unanswered') awaySinceMs = null;
    switch (ended.kind) {
      case 'ok':
        turn.emit(event);
        turn.feed.close('ended');
        deps.observer.turnEnded(turn.ref, ending.outcome, Date.now() - current.startedAtMs);
        return;
      case 'stopped':
        current = { ...timesOf(current), kind: 'stopped', stop: ended.stop };
        continue;
      case 'corrupt':
        current = { ...timesOf(current), kind: 'failed', failure: failureOfCode('corrupt_session') };
        continue;
      case 'gone':
      case 'fenced':
        turn.lose(ended.kind);
        return;
      case 'locked':
        // By a lock of this replica's own whose reply is out or lost, or by a straggler: the fence is ours.
        await deps.store.freeLock(turn.ref, grant.fence).catch(() => 'fenced');
        await sleep(COMMIT_RETRY_MS * Math.random());
        continue;
      case 'unanswered':
        if (turn.loss !== null) return;
        // Full and then away is away: the patience for it begins anew.
        fullSinceMs = ended.code === 'storage_full' ? (fullSinceMs ?? performance.now()) : null;
        if (fullSinceMs !== null && current.kind !== 'failed' && isOver(fullSinceMs, FULL_PATIENCE_MS)) {
          // A full Redis still lets a turn go that leaves nothing; else it would be asked again later.
          current = { ...timesOf(current), kind: 'failed', failure: failureOfCode('storage_full') };
          continue;
        }
        awaySinceMs ??= performance.now();
        if (isOver(awaySinceMs, AWAY_PATIENCE_MS)) return giveUp(turn);
        // Not in step with others: on a connection that each of them breaks, one would always be behind another.
        await sleep(COMMIT_RETRY_MS * (0.5 + Math.random()));
        continue;
      default:
        assertNever(ended);
    }
  }
}

function isOver(sinceMs: number, patienceMs: number): boolean {
  return performance.now() > sinceMs + patienceMs;
}

function timesOf(conclusion: Conclusion): { startedAtMs: number; endedAtMs: number } {
  return { startedAtMs: conclusion.startedAtMs, endedAtMs: conclusion.endedAtMs };
}

type Tried = Ended | { readonly kind: 'unanswered'; readonly code: 'storage_full' | 'commit_unknown' };

async function endOnce(deps: TurnDeps, context: CommitContext, ending: Ending): Promise<Tried> {
  try {
    return await deps.store.end(context.turn.ref, context.grant.fence, context.lockValue, ending);
  } catch (error) {
    deps.observer.failed('commit a turn', error, context.turn.ref);
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'corrupt_session' && ending.outcome !== 'failed') return { kind: 'corrupt' };
    return { kind: 'unanswered', code: code === 'storage_full' ? 'storage_full' : 'commit_unknown' };
  }
}

/** Only readers here are told: nothing can be written, and whether something was cannot be known. */
function giveUp(turn: LiveTurn): void {
  turn.emit({ type: 'error', ...failureOfCode('commit_unknown') });
  turn.feed.close('ended');
}
