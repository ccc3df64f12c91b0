import { useEffect, useState } from 'react';
import { loadList, loadMore } from '../state/sessions.ts';
import { view } from '../state/start.ts';
import { useAppState, usePage, useWords } from './context.ts';
import { Icon } from './icons.tsx';
import { SessionItem } from './session-item.tsx';
import { Settings } from './settings.tsx';
import { useNow } from './times.ts';

/** From so many on, a list is worth searching. */
const WORTH_SEARCHING = 2;

/** Conversations: begin one, find one, go to one. */
export function SideList({ close }: { readonly close: () => void }) {
  const words = useWords();
  const page = usePage();
  const sessions = useAppState((state) => state.sessions);
  const list = useAppState((state) => state.list);
  const hasMore = useAppState((state) => state.nextCursor !== null);
  const [query, setQuery] = useState('');
  const now = useNow();
  const wanted = query.trim().toLocaleLowerCase();
  const found = sessions.filter((session) => session.title.toLocaleLowerCase().includes(wanted));

  const begin = () => {
    view(null);
    close();
    // The drawer, if there is one, has to be away before the box can have the keyboard.
    requestAnimationFrame(() => document.getElementById('message')?.focus());
  };

  // A search is over all titles, not over those that happen to be loaded.
  useEffect(() => {
    if (wanted !== '' && hasMore && list === 'ready') void loadMore(page);
  }, [wanted, hasMore, list, page]);

  return (
    <>
      <div className="side-head">
        <span className="brand">Turnwise</span>
        <button
          type="button"
          className="quiet icon-only drawer-only"
          onClick={close}
          aria-label={words.closeList}
        >
          <Icon name="close" />
        </button>
      </div>
      <button type="button" className="plain new" onClick={begin}>
        <Icon name="plus" />
        {words.newConversation}
      </button>
      {sessions.length >= WORTH_SEARCHING && (
        <label className="search">
          <Icon name="search" />
          <input
            type="search"
            value={query}
            placeholder={words.search}
            aria-label={words.search}
            onChange={(event) => setQuery(event.target.value)}
            onKeyDown={(event) => {
              if (event.key !== 'Escape') return;
              event.stopPropagation();
              setQuery('');
            }}
          />
        </label>
      )}
      <nav aria-label={words.conversations}>
        <ul className="sessions">
          {found.map((session) => (
            <SessionItem key={session.session_id} session={session} nowMs={now} chosen={close} />
          ))}
        </ul>
        {list === 'failed' && (
          <p className="side-note">
            {words.listFailed}{' '}
            <button type="button" className="link" onClick={() => void loadList(page)}>
              {words.again}
            </button>
          </p>
        )}
        {list !== 'failed' && sessions.length === 0 && (
          <p className="side-note">{list === 'loading' ? words.loading : words.listEmpty}</p>
        )}
        {sessions.length > 0 && found.length === 0 && <p className="side-note">{words.searchEmpty}</p>}
        {hasMore && wanted === '' && (
          <button type="button" className="quiet more" onClick={() => void loadMore(page)}>
            {words.listMore}
          </button>
        )}
      </nav>
      <Settings />
    </>
  );
}
