import { TurnwiseError } from '../errors.ts';
import type { Answer } from './ask-model.ts';
import { askWithinWindow } from './ask-within-window.ts';
import { commitTurn } from './commit-turn.ts';
import type { TurnDeps } from './deps.ts';
import type { Conclusion } from './ending.ts';
import type { TurnEvent } from './events.ts';
import { failureFrom } from './failure.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import { leaveTurn } from './leave-turn.ts';
import type { LiveTurn } from './live-turn.ts';
import { LogWriter } from './log-writer.ts';
import type { Lease, OpenGrant } from './ports.ts';

/** A turn that this replica may run: granted by the queue. */
export interface RunningTurn {
  readonly turn: LiveTurn;
  readonly grant: OpenGrant;
  /** Null when the lock could not be taken yet: the fence alone decides until then. */
  readonly lease: Lease | null;
  /** When the lock was asked for, by the monotonic clock. */
  readonly heldSinceMs: number;
}

/**
 * The story of a turn once it is its turn: ask, log, commit, and only then tell that it is done. Ends the turn
 * in Redis and for its readers whatever happens; never throws.
 */
export async function runTurn(deps: TurnDeps, running: RunningTurn): Promise<void> {
  const { turn, grant, lease } = running;
  const keeper = new LeaseKeeper(deps, turn, grant.fence, lease, running.heldSinceMs);
  const writer = new LogWriter(deps, turn, grant.fence);
  turn.beginAttempt(grant.attempt);
  begin(turn, grant.attempt, writer);
  const said: string[] = [];
  try {
    const ending = await conclude(deps, turn, async () => {
      // All that was said was taken back: by replicas that had refused it.
      if (grant.userMessages.length === 0) throw new TurnwiseError('redis_unavailable');
      const say = (content: string) => {
        if (turn.signal.aborted) return;
        said.push(content);
        tell(turn, { type: 'delta', content }, writer);
      };
      return askWithinWindow(deps, turn, grant, (text) => {
        const renewing = keeper.check();
        return renewing === undefined ? say(text) : renewing.then(() => say(text));
      });
    });
    const unlogged = await writer.close();
    // An answer that is whole when the grace is over is stored here, not asked for again elsewhere.
    if (turn.loss === null || (turn.loss === 'draining' && ending.kind === 'completed')) {
      await commitTurn(deps, { turn, grant, lockValue: () => keeper.lockValue, said, unlogged }, ending);
    }
  } catch (error) {
    deps.observer.failed('run a turn', error, turn.ref);
    turn.lose('fenced');
  } finally {
    keeper.end();
    if (turn.loss !== null) await leaveTurn(deps, turn, keeper.lockValue);
    if (turn.loss === 'gone' || turn.loss === 'fenced') await keeper.release();
  }
}

/** The first event of an attempt; a `restarted` was logged by the script that claimed the turn. */
function begin(turn: LiveTurn, attempt: number, writer: LogWriter): void {
  if (attempt === 1) tell(turn, { type: 'started', attempt }, writer);
  else turn.emit({ type: 'restarted', attempt });
}

function tell(turn: LiveTurn, event: TurnEvent, writer: LogWriter): void {
  writer.add(turn.emit(event), event);
}

/** How the turn ends, as far as this replica can see. */
async function conclude(deps: TurnDeps, turn: LiveTurn, ask: () => Promise<Answer>): Promise<Conclusion> {
  const startedAtMs = Date.now();
  try {
    const answer = await ask();
    return { kind: 'completed', startedAtMs, endedAtMs: Date.now(), answer };
  } catch (error) {
    if (turn.stop !== null) return { kind: 'stopped', startedAtMs, endedAtMs: Date.now(), stop: turn.stop };
    if (turn.loss === null) deps.observer.failed('answer a turn', error, turn.ref);
    return { kind: 'failed', startedAtMs, endedAtMs: Date.now(), failure: failureFrom(error) };
  }
}
