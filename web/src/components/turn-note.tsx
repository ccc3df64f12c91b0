import { isHeldUp, type LiveTurn } from '../state/live-turn.ts';
import { view } from '../state/start.ts';
import { dismissTurn, stopTurn, takeBack } from '../state/stop.ts';
import { retryTurn } from '../state/turns.ts';
import type { Words } from '../words/en.ts';
import { useAppState, usePage, useWords } from './context.ts';
import { placeOf } from './standing.ts';

interface NoteProps {
  readonly conversationId: string;
  readonly turn: LiveTurn;
}

/** Where a turn stands, and the one thing to do about it. */
export function TurnNote({ conversationId, turn }: NoteProps) {
  const words = useWords();
  const page = usePage();
  const isHeld = useAppState(
    (state) => turn.phase === 'sending' && state.conversations[conversationId]?.turns.some(isHeldUp) === true,
  );
  const isGone = useAppState((state) => state.conversations[conversationId]?.status === 'gone');
  // Of a conversation that is gone the pane says so once, for all its turns.
  if (isGone) return null;
  if (turn.phase === 'failed') return <Failure conversationId={conversationId} turn={turn} />;
  const said = isHeld && !turn.isStopping ? words.unsent : sentence(turn, words);
  if (said === null) return null;
  const isWaiting = turn.phase === 'queued' || isHeld;
  return (
    <p className={isWaiting ? 'note waiting' : 'note'}>
      {!isWaiting && turn.retryAtMs === null && <span className="pulse" aria-hidden="true" />}
      <span>{said}</span>
      {isWaiting && !turn.isStopping && (
        <button type="button" className="link" onClick={() => void stopTurn(page, conversationId, turn.key)}>
          {words.takeBack}
        </button>
      )}
    </p>
  );
}

function sentence(turn: LiveTurn, words: Words): string | null {
  if (turn.isStopping) return words.stopping;
  if (turn.phase === 'sending') return words.sending;
  if (turn.phase === 'queued') return placeOf(turn, words);
  if (turn.phase !== 'running') return null;
  if (turn.retryAtMs !== null) return words.linkLost;
  if (turn.hasRestarted) return words.startsAgain;
  if (turn.isThinking) return words.thinking;
  return turn.text === '' ? words.answering : '';
}

/** Codes that another try of the same words cannot change. */
const TO_EDIT = new Set(['too_large', 'invalid_request', 'idempotency_mismatch', 'model_refused']);
const TO_BEGIN_ANEW = new Set(['session_deleted', 'session_not_found', 'corrupt_session']);

function Failure({ conversationId, turn }: NoteProps) {
  const words = useWords();
  const page = usePage();
  const code = turn.errorCode ?? 'internal';
  const help = TO_EDIT.has(code)
    ? { name: words.edit, act: () => takeBack(page, conversationId, turn) }
    : TO_BEGIN_ANEW.has(code)
      ? { name: words.newConversation, act: () => view(null) }
      : { name: words.again, act: () => retryTurn(page, conversationId, turn.key) };
  return (
    <div className="failure">
      <p>{words.errors[code] ?? words.errors.internal}</p>
      <span className="failure-acts">
        <button type="button" className="plain small" onClick={help.act}>
          {help.name}
        </button>
        <button type="button" className="link" onClick={() => dismissTurn(page, conversationId, turn.key)}>
          {words.dismiss}
        </button>
      </span>
    </div>
  );
}
