import { memo } from 'react';
import type { Message, Part } from '../client/shapes.ts';
import { isActive, type LiveTurn } from '../state/live-turn.ts';
import { AnswerText } from './answer-text.tsx';
import { useAppState, useWords } from './context.ts';
import { CopyAnswer } from './copy-answer.tsx';
import { Fold } from './fold.tsx';
import { Attached, ToolParts, thoughtsIn } from './message-parts.tsx';
import { TurnNote } from './turn-note.tsx';

interface EntryProps {
  readonly conversationId: string;
  readonly role: 'user' | 'assistant' | 'tool';
  /** From the history; null while its turn is live. */
  readonly message: Message | null;
  /** The live turn's key; null when it is history. */
  readonly turnKey: string | null;
  /** For a user's: which of the turn's own messages. For others: 0 is the first answer of its turn. */
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
        parts={message?.parts ?? NO_PARTS}
        isPending={turn?.phase === 'queued' || turn?.phase === 'sending'}
      />
    );
  return (
    <li className="entry answer">
      <Answer conversationId={conversationId} message={message} turn={turn} isFirst={at === 0} />
    </li>
  );
});

const NO_PARTS: readonly Part[] = [];

interface SaidProps {
  readonly text: string;
  readonly parts: readonly Part[];
  readonly isPending: boolean;
}

function Said({ text, parts, isPending }: SaidProps) {
  const words = useWords();
  return (
    <li className={isPending ? 'entry said pending' : 'entry said'}>
      <h3 className="unseen">{words.you}</h3>
      {text !== '' && <div className="bubble">{text}</div>}
      <Attached parts={parts} />
    </li>
  );
}

interface AnswerProps {
  readonly conversationId: string;
  readonly message: Message | null;
  readonly turn: LiveTurn | undefined;
  readonly isFirst: boolean;
}

function Answer({ conversationId, message, turn, isFirst }: AnswerProps) {
  const words = useWords();
  const turnId = message?.turn_id ?? turn?.turnId ?? '';
  const text = message?.content ?? turn?.text ?? '';
  const seen = useAppState((state) => state.conversations[conversationId]?.tokensOf[turnId]);
  // A server that does not store what the model thinks aloud has told it to this page all the same.
  const heard = useAppState((state) => state.conversations[conversationId]?.thoughtsOf[turnId]);
  const stored = message === null ? '' : thoughtsIn(message);
  const thoughts = turn?.thoughts || stored || (isFirst && heard) || '';
  const tokens = seen ?? turn?.tokens ?? null;
  const isOver = turn === undefined || !isActive(turn);
  return (
    <article aria-busy={!isOver}>
      <h3 className="unseen">{message?.role === 'tool' ? words.tool : words.answer}</h3>
      {thoughts !== '' && <Fold name={words.reasoning}>{() => <AnswerText text={thoughts} />}</Fold>}
      {text !== '' && <AnswerText text={text} />}
      <Attached parts={message?.parts ?? NO_PARTS} />
      <ToolParts parts={message?.parts ?? NO_PARTS} />
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
