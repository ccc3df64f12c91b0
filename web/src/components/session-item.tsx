import { useRef, useState } from 'react';
import type { Session } from '../client/shapes.ts';
import { useAppState, useWords } from './context.ts';
import { DeleteDialog } from './delete-dialog.tsx';
import { Icon } from './icons.tsx';
import { RenameField } from './rename-field.tsx';
import { standingOf } from './standing.ts';
import { clockTime, fromNow } from './times.ts';

interface SessionItemProps {
  readonly session: Session;
  readonly nowMs: number;
  readonly chosen: () => void;
}

/** One conversation of the list: when it was last used, how long it is kept; rename, delete. */
export function SessionItem({ session, nowMs, chosen }: SessionItemProps) {
  const words = useWords();
  const language = useAppState((state) => state.language);
  const isViewed = useAppState((state) => state.viewedId === session.session_id);
  const standing = useAppState((state) =>
    standingOf(state.conversations[session.session_id]?.turns ?? [], words),
  );
  const [doing, setDoing] = useState<'rename' | 'delete' | null>(null);
  const renameButton = useRef<HTMLButtonElement>(null);
  const title = session.title || words.untitled;
  if (doing === 'rename') {
    const end = () => {
      setDoing(null);
      requestAnimationFrame(() => renameButton.current?.focus());
    };
    return (
      <li className="session">
        <RenameField session={session} end={end} />
      </li>
    );
  }
  return (
    <li className={isViewed ? 'session viewed' : 'session'}>
      <a
        href={`#/c/${session.session_id}`}
        aria-current={isViewed ? 'page' : undefined}
        onClick={chosen}
        title={title}
      >
        <span className="session-title">{title}</span>
        <span className="session-times">
          {standing !== null ? (
            <span className={standing === words.notSent ? 'warn' : 'accent'}>{standing}</span>
          ) : (
            <time dateTime={session.last_accessed}>
              {fromNow(Math.min(nowMs, Date.parse(session.last_accessed)), nowMs, language)}
            </time>
          )}
          {session.expires_at !== '' && <Kept until={Date.parse(session.expires_at)} nowMs={nowMs} />}
        </span>
      </a>
      <span className="session-tools">
        <button
          type="button"
          ref={renameButton}
          className="quiet small icon-only"
          aria-label={`${words.rename}: ${title}`}
          title={words.rename}
          onClick={() => setDoing('rename')}
        >
          <Icon name="pencil" />
        </button>
        <button
          type="button"
          className="quiet small icon-only"
          aria-label={`${words.remove}: ${title}`}
          title={words.remove}
          onClick={() => setDoing('delete')}
        >
          <Icon name="trash" />
        </button>
      </span>
      {doing === 'delete' && <DeleteDialog session={session} end={() => setDoing(null)} />}
    </li>
  );
}

function Kept({ until, nowMs }: { readonly until: number; readonly nowMs: number }) {
  const words = useWords();
  const language = useAppState((state) => state.language);
  if (until <= nowMs) return <span>{words.expired}</span>;
  const clock = clockTime(until, nowMs, language);
  return <span title={words.keptMeans(clock)}>{words.keptUntilShort(clock)}</span>;
}
