import { type Client, createClient } from '../client/client.ts';
import { chosenLanguage } from '../words/words.ts';
import type { AppState, Theme } from './app-state.ts';
import { knownSessions, savedChoice, savedDrafts, savedKey } from './memory.ts';
import { Store } from './store.ts';
import { type News, Tabs } from './tabs.ts';

/** All that the page's actions work on. */
export interface Page {
  readonly store: Store<AppState>;
  readonly client: Client;
  readonly tabs: Tabs;
  /** Turns that this tab listens to or looks after, by key; each can be told to look around again. */
  readonly attended: Map<string, AbortController>;
}

export function createPage(apiUrl: string, hear: (page: Page, news: News) => void): Page {
  const store = new Store<AppState>({
    language: chosenLanguage(),
    theme: savedTheme(),
    health: null,
    reach: 'unknown',
    auth: savedKey() === null ? 'open' : 'keyed',
    sessions: savedKey() === null ? knownSessions() : [],
    nextCursor: null,
    list: 'loading',
    viewedId: null,
    conversations: {},
    drafts: savedDrafts(),
    spoken: '',
  });
  const page: Page = {
    store,
    client: createClient({ apiUrl, key: savedKey }),
    tabs: new Tabs((news) => hear(page, news)),
    attended: new Map(),
  };
  return page;
}

function savedTheme(): Theme {
  const theme = savedChoice('theme');
  return theme === 'light' || theme === 'dark' ? theme : 'auto';
}
