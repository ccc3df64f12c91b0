import { savedChoice } from '../state/memory.ts';
import { en, type Words } from './en.ts';
import { zh } from './zh.ts';

export type Language = 'en' | 'zh';

export const WORDS: Readonly<Record<Language, Words>> = { en, zh };

/** What the user chose, else what the browser speaks. */
export function chosenLanguage(): Language {
  const chosen = savedChoice('language') ?? navigator.language;
  return chosen.startsWith('zh') ? 'zh' : 'en';
}
