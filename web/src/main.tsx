import { createRoot } from 'react-dom/client';
import { backoffMs, pause } from './client/pause.ts';
import { App } from './components/app.tsx';
import { PageContext } from './components/context.ts';
import { applyPreferences } from './state/preferences.ts';
import { startPage } from './state/start.ts';
import './styles/tokens.css';
import './styles/controls.css';
import './styles/layout.css';
import './styles/phone.css';
import './styles/side.css';
import './styles/thread.css';
import './styles/prose.css';
import './styles/parts.css';

const root = document.getElementById('page');
if (root === null) throw new Error('index.html has no place for the page');

const page = startPage(await readApiUrl());
applyPreferences(page.store.state);
createRoot(root).render(
  <PageContext value={page}>
    <App />
  </PageContext>,
);

/** Where the API is, as the server of this page says; asked until it does. */
async function readApiUrl(): Promise<string> {
  const never = new AbortController().signal;
  for (let tries = 1; ; tries += 1) {
    try {
      const response = await fetch('./config.json', { cache: 'no-store' });
      const { apiUrl } = (await response.json()) as { apiUrl: string };
      return apiUrl.replace(/\/+$/, '');
    } catch {
      await pause(backoffMs(tries), never);
    }
  }
}
