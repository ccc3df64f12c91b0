import { useState } from 'react';
import { savedKey } from '../state/memory.ts';
import { enterKey } from '../state/start.ts';
import { usePage, useWords } from './context.ts';
import { Dialog } from './dialog.tsx';

/** Shown when the API asks for a key. The key goes into a header of each request, never into an address. */
export function KeyDialog() {
  const words = useWords();
  const page = usePage();
  const [key, setKey] = useState('');
  const wasRefused = savedKey() !== null;
  return (
    <Dialog title={words.keyTitle} end={() => undefined}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (key.trim() !== '') enterKey(page, key.trim());
        }}
      >
        {wasRefused ? (
          <p role="alert" className="wrong">
            {words.keyWrong}
          </p>
        ) : (
          <p>{words.keyText}</p>
        )}
        <label className="field">
          {words.keyLabel}
          <input
            type="password"
            value={key}
            autoComplete="off"
            spellCheck={false}
            onChange={(event) => setKey(event.target.value)}
          />
        </label>
        <div className="choices">
          <button type="submit" className="strong" disabled={key.trim() === ''}>
            {words.keyUse}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
