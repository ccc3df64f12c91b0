import { loadConversation } from '../state/conversations.ts';
import { view } from '../state/start.ts';
import { Banner } from './banner.tsx';
import { Composer } from './composer.tsx';
import { useAppState, usePage, useWords } from './context.ts';
import { Hello } from './hello.tsx';
import { Thread } from './thread.tsx';

/** The conversation on view: its messages, or what there is instead of them, and the box. */
export function ConversationPane() {
  const words = useWords();
  const page = usePage();
  const viewedId = useAppState((state) => state.viewedId);
  const conversation = useAppState((state) => state.conversations[state.viewedId ?? '']);
  if (viewedId === null) {
    return (
      <>
        <Hello />
        <Banner />
        <Composer />
      </>
    );
  }
  const isEmpty =
    conversation === undefined || (conversation.messages.length === 0 && conversation.turns.length === 0);
  if (conversation?.status === 'gone') {
    return (
      <>
        {isEmpty ? <div className="spread" /> : <Thread key={viewedId} conversation={conversation} />}
        <section className={isEmpty ? 'state' : 'state below'}>
          <h2>{words.goneTitle}</h2>
          <p>
            {words.goneText} {!isEmpty && words.goneKept}
          </p>
          <button type="button" className="strong" onClick={() => view(null)}>
            {words.newConversation}
          </button>
        </section>
        {isEmpty && <div className="spread" />}
      </>
    );
  }
  if (isEmpty) {
    return (
      <>
        <section className="state spread">
          {conversation?.status === 'failed' ? (
            <>
              <p>{words.loadFailed}</p>
              <button type="button" className="plain" onClick={() => void loadConversation(page, viewedId)}>
                {words.again}
              </button>
            </>
          ) : (
            <p className="dim">{words.loading}</p>
          )}
        </section>
        <Banner />
        <Composer />
      </>
    );
  }
  return (
    <>
      <Thread key={viewedId} conversation={conversation} />
      <Banner />
      <Composer />
    </>
  );
}
