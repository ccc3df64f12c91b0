import { memo, useCallback, useMemo, useState } from 'react';
import type { Conversation } from '../state/app-state.ts';
import { loadOlder } from '../state/conversations.ts';
import { useAppState, usePage, useWords } from './context.ts';
import { Entry } from './entry.tsx';
import { Icon } from './icons.tsx';
import { itemsOf, shapeOf } from './thread-items.ts';
import { useScroll } from './use-scroll.ts';

/** A long conversation that was read before opens with its newest messages, as one that was not. */
const SHOWN_AT_FIRST = 100;

/** The messages of a conversation: its history, then what is still under way. */
export function Thread({ conversation }: { readonly conversation: Conversation }) {
  const words = useWords();
  const page = usePage();
  const { id, messages } = conversation;
  const [hidden, setHidden] = useState(messages.length);
  const from = Math.max(0, Math.min(hidden, messages.length - SHOWN_AT_FIRST));
  const older = useCallback(() => {
    if (from > 0) setHidden(from - SHOWN_AT_FIRST);
    else void loadOlder(page, id);
  }, [page, id, from]);
  const newestMine = conversation.turns.findLast((turn) => turn.isMine)?.key;
  const { scroller, isAtEnd, toEnd } = useScroll(messages[from]?.id, newestMine, older);
  return (
    <div className="thread-frame">
      <section className="thread" ref={scroller} aria-label={words.conversation} tabIndex={-1}>
        <Beginning
          isKnown={messages.length > 0 || conversation.status === 'ready'}
          hasOlder={conversation.hasOlder || from > 0}
        />
        <Entries id={id} from={from} />
      </section>
      {!isAtEnd && (
        <button type="button" className="to-end plain" onClick={toEnd}>
          <Icon name="down" />
          {words.toLatest}
        </button>
      )}
    </div>
  );
}

interface BeginningProps {
  /** Whether the history was read, or is only now being made. */
  readonly isKnown: boolean;
  readonly hasOlder: boolean;
}

function Beginning({ isKnown, hasOlder }: BeginningProps) {
  const words = useWords();
  if (hasOlder) return <p className="beginning">{words.older}</p>;
  return isKnown ? <p className="beginning">{words.begin}</p> : null;
}

/** Renders again when messages or turns come and go, not with every token. */
const Entries = memo(({ id, from }: { readonly id: string; readonly from: number }) => {
  const messages = useAppState((state) => state.conversations[id]?.messages);
  const keyOf = useAppState((state) => state.conversations[id]?.keyOf);
  const shape = useAppState((state) => shapeOf(state.conversations[id]?.turns ?? []));
  const items = useMemo(
    () => itemsOf(messages ?? [], keyOf ?? {}, shape, from),
    [messages, keyOf, shape, from],
  );
  return (
    <ol className="entries">
      {items.map((item) => (
        <Entry
          key={item.key}
          conversationId={id}
          role={item.role}
          message={item.message}
          turnKey={item.turnKey}
          at={item.at}
        />
      ))}
    </ol>
  );
});
