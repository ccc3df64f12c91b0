import { createContext, useContext } from 'react';
import type { AppState } from '../state/app-state.ts';
import type { Page } from '../state/page.ts';
import { useStore } from '../state/store.ts';
import type { Words } from '../words/en.ts';
import { WORDS } from '../words/words.ts';

export const PageContext = createContext<Page | null>(null);

export function usePage(): Page {
  const page = useContext(PageContext);
  if (page === null) throw new Error('no page around this component');
  return page;
}

/** A part of the state; the component renders again when it is another value. */
export function useAppState<P>(part: (state: AppState) => P): P {
  return useStore(usePage().store, part);
}

export function useWords(): Words {
  return WORDS[useAppState((state) => state.language)];
}
