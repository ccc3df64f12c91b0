import { useEffect, useRef, useState } from 'react';
import type { Session } from '../client/shapes.ts';
import { renameSession } from '../state/sessions.ts';
import { usePage, useWords } from './context.ts';

interface RenameProps {
  readonly session: Session;
  readonly end: () => void;
}

const LONGEST_TITLE = 200;

/** The title as a field: Enter keeps, Escape leaves it as it was. */
export function RenameField({ session, end }: RenameProps) {
  const words = useWords();
  const page = usePage();
  const field = useRef<HTMLInputElement>(null);
  const [title, setTitle] = useState(session.title);
  const [hasFailed, setFailed] = useState(false);
  const isKept = useRef(false);
  useEffect(() => field.current?.select(), []);

  const keep = async () => {
    const wanted = title.trim();
    if (isKept.current) return;
    if (wanted === '' || wanted === session.title) {
      end();
      return;
    }
    isKept.current = true;
    try {
      await renameSession(page, session.session_id, wanted);
      end();
    } catch {
      isKept.current = false;
      setFailed(true);
    }
  };
  return (
    <form
      className="rename"
      onSubmit={(event) => {
        event.preventDefault();
        void keep();
      }}
    >
      <input
        ref={field}
        value={title}
        maxLength={LONGEST_TITLE}
        aria-label={words.renameLabel}
        aria-invalid={hasFailed}
        onChange={(event) => setTitle(event.target.value)}
        onBlur={() => void keep()}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return;
          event.stopPropagation();
          isKept.current = true;
          end();
        }}
      />
      {hasFailed && (
        <p role="alert" className="wrong">
          {words.renameFailed}
        </p>
      )}
    </form>
  );
}
