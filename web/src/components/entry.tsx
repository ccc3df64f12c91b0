import { memo } from 'react';
import type { Message } from '../client/shapes.ts';
import { isActive, type LiveTurn } from '../state/live-turn.ts';
import { AnswerText } from './answer-text.tsx';
import { useAppState, useWords } from './context.ts';
import { CopyAnswer } from './copy-answer.tsx';
import { TurnNote } from './turn-note.tsx';

interface EntryProps {
  readonly conversationId: string;
  readonly role: 'user' | 'assistant' | 'tool';
  /** From the history; null while its turn is live. */
  readonly message: Message | null;
  /** The live turn's key; null when it is history. */
  readonly turnKey: string | null;
  /** Which of the turn's own messages, for a user's. */
  readonly at: number;
}

/** One message on the page. It stays the same element when its turn becomes history. */
export const Entry = memo(({ conversationId, role, message, turnKey, at }: EntryProps) => {
  const turn = useAppState((state) =>
    turnKey === null
      ? undefined
      : state.conversations[conversationId]?.turns.find((one) => one.key === turnKey),
  );
  if (role === 'user')
    return (
      <Said
        text={message?.content ?? turn?.said[at] ?? ''}
        isPending={turn?.phase === 'queued' || turn?.phase === 'sending'}
      />
    );
  return (
    <li className="entry answer">
      <Answer conversationId={conversationId} message={message} turn={turn} />
    </li>
  );
});

function Said({ text, isPending }: { readonly text: string; readonly isPending: boolean }) {
  const words = useWords();
  return (
    <li className={isPending ? 'entry said pending' : 'entry said'}>
      <h3 className="unseen">{words.you}</h3>
      <div className="bubble">{text}</div>
    </li>
  );
}

interface AnswerProps {
  readonly conversationId: string;
  readonly message: Message | null;
  readonly turn: LiveTurn | undefined;
}

function Answer({ conversationId, message, turn }: AnswerProps) {
  const words = useWords();
  const turnId = message?.turn_id ?? turn?.turnId ?? '';
  const text = message?.content ?? turn?.text ?? '';
  const seen = useAppState((state) => state.conversations[conversationId]?.tokensOf[turnId]);
  const tokens = seen ?? turn?.tokens ?? null;
  const isOver = turn === undefined || !isActive(turn);
  return (
    <article aria-busy={!isOver}>
      <h3 className="unseen">{words.answer}</h3>
      {text !== '' && <AnswerText text={text} />}
      {isOver && text !== '' && (
        <p className="foot">
          <CopyAnswer text={text} />
          {message?.truncated === true && <span className="tag">{words.stopped}</span>}
          {tokens !== null && <span>{words.tokens(tokens.toLocaleString())}</span>}
        </p>
      )}
      {turn !== undefined && <TurnNote conversationId={conversationId} turn={turn} />}
    </article>
  );
}
