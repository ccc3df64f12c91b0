import type { Theme } from '../state/app-state.ts';
import { setLanguage, setTheme } from '../state/preferences.ts';
import { enterKey } from '../state/start.ts';
import { useAppState, usePage, useWords } from './context.ts';
import { ChineseIcon, Icon, type IconName } from './icons.tsx';

const NEXT: Readonly<Record<Theme, Theme>> = { auto: 'light', light: 'dark', dark: 'auto' };
const ICON: Readonly<Record<Theme, IconName>> = { auto: 'half', light: 'sun', dark: 'moon' };

/** Language, colours and, where there is one, the key. */
export function Settings() {
  const words = useWords();
  const page = usePage();
  const language = useAppState((state) => state.language);
  const theme = useAppState((state) => state.theme);
  const isKeyed = useAppState((state) => state.auth === 'keyed');
  const other = language === 'en' ? 'zh' : 'en';
  const themeName = words.themeNow(words.themes[theme]);
  return (
    <footer className="settings">
      <button
        type="button"
        className="quiet small"
        lang={other}
        aria-label={words.switchLanguage}
        title={words.switchLanguage}
        onClick={() => setLanguage(page, other)}
      >
        {language === 'en' ? <ChineseIcon /> : words.switchLanguage}
      </button>
      <button
        type="button"
        className="quiet small icon-only"
        aria-label={themeName}
        title={themeName}
        onClick={() => setTheme(page, NEXT[theme])}
      >
        <Icon name={ICON[theme]} />
      </button>
      {isKeyed && (
        <button type="button" className="quiet small" onClick={() => enterKey(page, null)}>
          {words.keyForget}
        </button>
      )}
    </footer>
  );
}
