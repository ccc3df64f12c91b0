import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';

/** So near the end the page keeps to it while an answer grows. */
const NEAR_END_PX = 120;
/** By then a page that came in has its place. */
const SETTLED_AFTER_MS = 100;
/** So near the beginning older messages are asked for. */
const NEAR_BEGINNING_PX = 1200;

/**
 * Keeps a thread at its end while it grows, and where the reader is when older messages come in above.
 *
 * @param firstId      the first message that is shown
 * @param newestMine   what was said last on this page: it is looked at, wherever the reader was
 */
export function useScroll(
  firstId: string | undefined,
  newestMine: string | undefined,
  loadOlder: () => void,
) {
  const scroller = useRef<HTMLElement>(null);
  const sticks = useRef(true);
  const [isAtEnd, setAtEnd] = useState(true);

  const toEnd = useCallback(() => {
    const node = scroller.current;
    if (node === null) return;
    sticks.current = true;
    node.scrollTop = node.scrollHeight;
  }, []);

  useEffect(() => {
    const node = scroller.current;
    const content = node?.lastElementChild;
    if (!node || !content) return;
    const isNearEnd = () => node.scrollHeight - node.scrollTop - node.clientHeight < NEAR_END_PX;
    const look = () => {
      sticks.current = isNearEnd();
      setAtEnd(sticks.current);
      if (node.scrollTop < NEAR_BEGINNING_PX) loadOlder();
    };
    // Text grows without React knowing how tall it became.
    const grown = new ResizeObserver(() => {
      if (sticks.current) toEnd();
      else setAtEnd(isNearEnd());
    });
    // Who opens a fold wants to read it, not to be taken past it.
    const fold = ({ target }: Event) => {
      const details = target instanceof Element ? target.closest('summary')?.parentElement : null;
      if (!(details instanceof HTMLDetailsElement)) return;
      if (details.open) requestAnimationFrame(look);
      else sticks.current = false;
    };
    grown.observe(content);
    grown.observe(node);
    node.addEventListener('scroll', look, { passive: true });
    node.addEventListener('click', fold);
    return () => {
      grown.disconnect();
      node.removeEventListener('scroll', look);
      node.removeEventListener('click', fold);
    };
  }, [loadOlder, toEnd]);

  useLayoutEffect(() => {
    if (newestMine !== undefined) toEnd();
  }, [newestMine, toEnd]);

  useKeepPlace(scroller, firstId);
  // No scrolling tells of a page too short to scroll, nor of somebody who is still at the top after a load.
  useEffect(() => {
    if (firstId === undefined) return;
    const timer = setTimeout(() => {
      if ((scroller.current?.scrollTop ?? NEAR_BEGINNING_PX) < NEAR_BEGINNING_PX) loadOlder();
    }, SETTLED_AFTER_MS);
    return () => clearTimeout(timer);
  }, [firstId, loadOlder]);

  return { scroller, isAtEnd, toEnd };
}

/** Not every browser holds the place when something comes in above, and none does at the very top. */
function useKeepPlace(scroller: React.RefObject<HTMLElement | null>, firstId: string | undefined): void {
  const before = useRef<{ firstId: string | undefined; height: number; top: number } | null>(null);
  useLayoutEffect(() => {
    const node = scroller.current;
    if (node === null) return;
    const was = before.current;
    if (was !== null && was.firstId !== undefined && firstId !== was.firstId) {
      node.scrollTop = was.top + node.scrollHeight - was.height;
    }
    before.current = { firstId, height: node.scrollHeight, top: node.scrollTop };
    const note = () => {
      before.current = { firstId, height: node.scrollHeight, top: node.scrollTop };
    };
    node.addEventListener('scroll', note, { passive: true });
    return () => node.removeEventListener('scroll', note);
  }, [scroller, firstId]);
}
