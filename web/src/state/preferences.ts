import type { Language } from '../words/words.ts';
import type { AppState, Theme } from './app-state.ts';
import { saveChoice } from './memory.ts';
import type { Page } from './page.ts';

export function setLanguage(page: Page, language: Language): void {
  saveChoice('language', language);
  page.store.update((state) => ({ ...state, language }));
  applyPreferences(page.store.state);
}

export function setTheme(page: Page, theme: Theme): void {
  saveChoice('theme', theme);
  page.store.update((state) => ({ ...state, theme }));
  applyPreferences(page.store.state);
}

/** Tells the document in which language and colours it is. */
export function applyPreferences({ language, theme }: AppState): void {
  const root = document.documentElement;
  root.lang = language === 'zh' ? 'zh-CN' : 'en';
  if (theme === 'auto') delete root.dataset.theme;
  else root.dataset.theme = theme;
}
