import { useEffect, useState } from 'react';
import { stopAnswer } from '../state/stop.ts';
import { useAppState, usePage, useWords } from './context.ts';
import { ConversationPane } from './conversation-pane.tsx';
import { Header } from './header.tsx';
import { KeyDialog } from './key-dialog.tsx';
import { SideList } from './side-list.tsx';

/** The whole page. On a phone the list is a drawer. */
export function App() {
  const words = useWords();
  const [isDrawerOpen, setDrawerOpen] = useState(false);
  const needsKey = useAppState((state) => state.auth === 'needed');
  const isNarrow = useNarrow();
  const isCovered = isNarrow && isDrawerOpen;
  useEscape(isCovered, () => setDrawerOpen(false));
  const close = () => setDrawerOpen(false);
  return (
    <div className="page">
      <button type="button" className="skip" onClick={focusMessage}>
        {words.skip}
      </button>
      <aside
        className={isDrawerOpen ? 'side open' : 'side'}
        inert={isNarrow && !isDrawerOpen}
        aria-label={words.conversations}
      >
        <SideList close={close} />
      </aside>
      {isCovered && <button type="button" className="veil" aria-label={words.closeList} onClick={close} />}
      <main inert={isCovered}>
        <Header openList={() => setDrawerOpen(true)} />
        <ConversationPane />
      </main>
      <Spoken />
      {needsKey && <KeyDialog />}
    </div>
  );
}

/** The one place that screen readers listen to. */
function Spoken() {
  const spoken = useAppState((state) => state.spoken);
  return (
    <div className="unseen" role="status" aria-live="polite" data-spoken>
      {spoken}
    </div>
  );
}

function focusMessage(): void {
  document.getElementById('message')?.focus();
}

/** Escape closes what lies over the page, and else stops the answer. */
function useEscape(isCovered: boolean, uncover: () => void): void {
  const page = usePage();
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || event.defaultPrevented || event.isComposing) return;
      if (document.querySelector('dialog[open]') !== null) return;
      const { viewedId } = page.store.state;
      if (isCovered) uncover();
      else if (viewedId !== null) stopAnswer(page, viewedId);
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  });
}

const NARROW = '(max-width: 760px)';

function useNarrow(): boolean {
  const [isNarrow, setNarrow] = useState(() => matchMedia(NARROW).matches);
  useEffect(() => {
    const query = matchMedia(NARROW);
    const look = () => setNarrow(query.matches);
    query.addEventListener('change', look);
    return () => query.removeEventListener('change', look);
  }, []);
  return isNarrow;
}
