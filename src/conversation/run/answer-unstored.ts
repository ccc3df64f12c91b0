import { TurnwiseError } from '../../errors.ts';
import { BEFORE_ALL, type EventId, type TurnEvent } from '../events.ts';
import { failureFrom, failureOfCode } from '../failures.ts';
import { LiveTurn } from '../live/live-turn.ts';
import type { Shows, TurnReader } from '../live/turn-feed.ts';
import type { Core } from '../ports/core.ts';
import type { GrantedTurn } from '../ports/turns.ts';
import { Transcript } from '../transcript.ts';
import type { TurnRef } from '../turn.ts';
import { answerTurn } from './answer-turn.ts';

/**
 * Answers one reader without storing anything: no place in the session, no lock, no fence, no log. It ends when its
 * reader leaves.
 *
 * @throws draining, overloaded; and what the reader throws
 */
export async function answerUnstored(
  core: Core,
  ref: TurnRef,
  grant: GrantedTurn,
  shows: Shows,
  reader: TurnReader,
  signal: AbortSignal,
): Promise<void> {
  const turn = new LiveTurn(ref, 'cancel');
  core.live.enter(turn);
  const leave = () => turn.askToStop('cancel');
  signal.addEventListener('abort', leave);
  try {
    const reading = turn.feed.read(BEFORE_ALL, shows, reader, signal);
    if (signal.aborted) leave();
    void say(core, turn, grant).finally(() => turn.feed.close('ended'));
    await reading;
  } finally {
    signal.removeEventListener('abort', leave);
    leave();
    core.live.remove(turn);
  }
}

/** Never throws: an error is the last event. */
async function say(core: Core, turn: LiveTurn, grant: GrantedTurn): Promise<void> {
  const transcript = new Transcript();
  const speak = (event: TurnEvent): EventId => {
    const id = turn.emit(event);
    transcript.add(event);
    // No log will have it.
    turn.markLogged();
    return id;
  };
  turn.beginAttempt(grant.fence);
  try {
    speak({ type: 'started', attempt: grant.attempt });
    const check = () => undefined;
    const { finishReason, usage } = await answerTurn(core, turn, grant, { transcript, speak, check });
    speak({ type: 'done', finishReason, usage, messageCount: grant.history.messageCount });
  } catch (error) {
    if (turn.loss !== null) speak({ type: 'error', ...failureOfCode('draining') });
    else if (turn.stop === null) {
      const cause = error instanceof TurnwiseError ? error : new TurnwiseError('internal', { cause: error });
      core.observer.failed('turn_answer', cause, turn.ref);
      speak({ type: 'error', ...failureFrom(error) });
    }
  }
}
