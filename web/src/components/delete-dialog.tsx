import { useState } from 'react';
import type { Session } from '../client/shapes.ts';
import { removeSession } from '../state/sessions.ts';
import { view } from '../state/start.ts';
import { usePage, useWords } from './context.ts';
import { Dialog } from './dialog.tsx';

interface DeleteProps {
  readonly session: Session;
  readonly end: () => void;
}

/** Asks once before a conversation is deleted. */
export function DeleteDialog({ session, end }: DeleteProps) {
  const words = useWords();
  const page = usePage();
  const [state, setState] = useState<'asking' | 'deleting' | 'failed'>('asking');
  const remove = async () => {
    setState('deleting');
    try {
      const wasViewed = page.store.state.viewedId === session.session_id;
      await removeSession(page, session.session_id);
      if (wasViewed) view(null);
      end();
    } catch {
      setState('failed');
    }
  };
  return (
    <Dialog title={words.removeAsk(session.title || words.untitled)} end={end}>
      <p>{words.removeMeans}</p>
      {state === 'failed' && (
        <p role="alert" className="wrong">
          {words.removeFailed}
        </p>
      )}
      <div className="choices">
        <button type="button" className="plain" onClick={end}>
          {words.cancel}
        </button>
        <button
          type="button"
          className="danger"
          disabled={state === 'deleting'}
          onClick={() => void remove()}
        >
          {words.remove}
        </button>
      </div>
    </Dialog>
  );
}
