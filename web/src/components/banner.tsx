import { useEffect, useState } from 'react';
import { tryNow } from '../state/start.ts';
import { useAppState, useWords } from './context.ts';

/** Says that the server cannot be reached; what to do is to wait, or to try at once. */
export function Banner() {
  const words = useWords();
  const isDown = useAppState((state) => state.reach === 'down');
  const isOnline = useOnline();
  if (!isDown && isOnline) return null;
  return (
    <div className="banner" role="status">
      <p>
        {isOnline ? words.unreachable : words.offline} {words.reachAgain}
      </p>
      <button type="button" className="plain small" onClick={tryNow}>
        {words.tryNow}
      </button>
    </div>
  );
}

function useOnline(): boolean {
  const [isOnline, setOnline] = useState(navigator.onLine);
  useEffect(() => {
    const look = () => setOnline(navigator.onLine);
    addEventListener('online', look);
    addEventListener('offline', look);
    return () => {
      removeEventListener('online', look);
      removeEventListener('offline', look);
    };
  }, []);
  return isOnline;
}
