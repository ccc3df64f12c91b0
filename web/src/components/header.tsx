import { useEffect, useState } from 'react';
import { loadSession } from '../state/sessions.ts';
import { useAppState, usePage, useWords } from './context.ts';
import { Dialog } from './dialog.tsx';
import { Icon } from './icons.tsx';
import { clockTime, useNow } from './times.ts';

/** What is on view, how long it is kept, and who answers. */
export function Header({ openList }: { readonly openList: () => void }) {
  const words = useWords();
  const session = useAppState((state) => state.sessions.find((one) => one.session_id === state.viewedId));
  const isNew = useAppState((state) => state.viewedId === null);
  const said = useAppState((state) => {
    const conversation = state.conversations[state.viewedId ?? ''];
    return conversation?.messages[0]?.content ?? conversation?.turns[0]?.said[0];
  });
  const unnamed = isNew ? words.newConversation : session ? words.untitled : words.conversation;
  return (
    <header className="head">
      <button
        type="button"
        className="quiet icon-only drawer-only"
        onClick={openList}
        aria-label={words.openList}
      >
        <Icon name="menu" />
      </button>
      <div className="head-title">
        <h1>{session?.title || said?.slice(0, 80) || unnamed}</h1>
        {session !== undefined && session.expires_at !== '' && (
          <Expiry id={session.session_id} at={session.expires_at} />
        )}
      </div>
      <Model />
    </header>
  );
}

function Expiry({ id, at }: { readonly id: string; readonly at: string }) {
  const words = useWords();
  const page = usePage();
  const language = useAppState((state) => state.language);
  const [isExplained, setExplained] = useState(false);
  const now = useNow();
  const atMs = Date.parse(at);
  const clock = clockTime(atMs, now, language);
  const end = () => setExplained(false);
  // When its time is over the server is asked: else one would write on below messages that it has forgotten.
  useEffect(() => {
    if (atMs <= now) void loadSession(page, id).catch(() => undefined);
  }, [page, id, atMs, now]);
  return (
    <>
      <button type="button" className="expiry" onClick={() => setExplained(true)}>
        {atMs <= now ? words.expiredHead : words.keptUntil(clock)}
      </button>
      {isExplained && (
        <Dialog title={words.keptUntil(clock)} end={end}>
          <p>{words.keptMeans(clock)}</p>
          <div className="choices">
            <button type="button" className="plain" onClick={end}>
              {words.close}
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}

function Model() {
  const words = useWords();
  const health = useAppState((state) => state.health);
  if (health?.model == null) return null;
  if (health.demo_model) {
    return (
      <p className="model demo" title={words.demoMeans}>
        {words.demoModel}
        <span className="unseen">. {words.demoMeans}</span>
      </p>
    );
  }
  return (
    <p className="model" title={words.answersWith(health.model)}>
      <span className="unseen">{words.answersWith('')}</span>
      {health.model}
    </p>
  );
}
