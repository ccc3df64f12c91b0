import { type KeyboardEvent, useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { OnBusy } from '../client/shapes.ts';
import { setDraft } from '../state/drafts.ts';
import { isActive } from '../state/live-turn.ts';
import { view } from '../state/start.ts';
import { stopAnswer } from '../state/stop.ts';
import { sayIn } from '../state/turns.ts';
import { BusyChoice } from './busy-choice.tsx';
import { useAppState, usePage, useWords } from './context.ts';
import { Icon } from './icons.tsx';

/** The box to write in. Enter sends; while an answer runs, Stop stands beside it. */
export function Composer() {
  const words = useWords();
  const page = usePage();
  const viewedId = useAppState((state) => state.viewedId);
  const text = useAppState((state) => state.drafts[state.viewedId ?? ''] ?? '');
  const active = useAppState(
    (state) => state.conversations[state.viewedId ?? '']?.turns.filter(isActive).length ?? 0,
  );
  const isStopping = useAppState(
    (state) => state.conversations[state.viewedId ?? '']?.turns.find(isActive)?.isStopping === true,
  );
  const [onBusy, setOnBusy] = useState<OnBusy>('enqueue');
  const box = useRef<HTMLTextAreaElement>(null);
  const canSend = text.trim() !== '';

  useLayoutEffect(() => fitHeight(box.current));
  // Whatever conversation comes on view, one can write at once; on a phone that would open the keyboard.
  useEffect(() => {
    const focus = () => {
      if (matchMedia('(pointer: fine)').matches) box.current?.focus();
    };
    focus();
    addEventListener('hashchange', focus);
    return () => removeEventListener('hashchange', focus);
  }, []);
  useEffect(() => {
    if (active === 0) setOnBusy('enqueue');
  }, [active]);

  const submit = () => {
    if (!canSend) return;
    const choice = active === 0 ? 'enqueue' : onBusy;
    const id = sayIn(page, viewedId, text, choice);
    setOnBusy('enqueue');
    if (id !== viewedId) view(id);
    box.current?.focus();
  };
  const press = (event: KeyboardEvent) => {
    // While a word is being composed, Enter chooses its characters.
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    submit();
  };

  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      {active > 0 && canSend && <BusyChoice chosen={onBusy} choose={setOnBusy} canJoin={active > 1} />}
      <div className="box">
        <textarea
          id="message"
          ref={box}
          rows={1}
          value={text}
          placeholder={words.messageHint}
          aria-label={words.messageLabel}
          aria-describedby="keys"
          enterKeyHint="send"
          onChange={(event) => setDraft(page, viewedId ?? '', event.target.value)}
          onKeyDown={press}
        />
        {active > 0 && viewedId !== null && (
          <button
            type="button"
            className="round plain"
            aria-label={isStopping ? words.stopping : words.stop}
            title={words.stop}
            disabled={isStopping}
            onClick={() => stopAnswer(page, viewedId)}
          >
            <Icon name="stop" />
          </button>
        )}
        {(active === 0 || canSend) && (
          <button
            type="submit"
            className="round strong"
            aria-label={words.send}
            title={words.send}
            disabled={!canSend}
          >
            <Icon name="up" />
          </button>
        )}
      </div>
      <p id="keys" className="keys">
        {active > 0 ? `${words.messageKeys} · ${words.messageKeysBusy}` : words.messageKeys}
      </p>
    </form>
  );
}

/** As tall as what is written, up to the most that the style allows. */
function fitHeight(box: HTMLTextAreaElement | null): void {
  if (box === null) return;
  box.style.height = 'auto';
  box.style.height = `${box.scrollHeight}px`;
}
