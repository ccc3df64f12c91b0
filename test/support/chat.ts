import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { startBrowser } from '../../testkit/browser/browser.ts';
import { serveWebPage } from '../../testkit/browser/web-page.ts';
import { type Relay, startRelay } from '../../testkit/http/relay.ts';
import { type Deployment, replicaOf, startDeployment } from '../../testkit/server/deployment.ts';

/** A deployment with the chat page before it; the page reaches one replica at a time. */
export interface Chat extends Deployment {
  readonly url: string;
  readonly proxy: Relay;
  readonly browser: Browser;
  /** A new browser profile with one tab, at the page. */
  open(options?: BrowserContextOptions): Promise<Tab>;
}

export async function startChat(count: number, env: Readonly<Record<string, string>> = {}): Promise<Chat> {
  const proxy = await startRelay();
  const page = await serveWebPage(proxy.url);
  const [browser, deployment] = await Promise.all([
    startBrowser(),
    startDeployment(count, { CORS_ORIGINS: page.url, ...env }),
  ]);
  proxy.to(replicaOf(deployment, 0));
  return {
    ...deployment,
    url: page.url,
    proxy,
    browser,
    async open(options = {}) {
      const context = await browser.newContext({
        viewport: { width: 1100, height: 760 },
        locale: 'en-GB',
        permissions: ['clipboard-read', 'clipboard-write'],
        ...options,
      });
      context.setDefaultTimeout(10_000);
      return openTab(context, page.url);
    },
  };
}

/** A tab at the chat page, with what a user sees and does there. */
export interface Tab {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Requested URLs, in order, with the headers sent. */
  readonly requests: readonly { readonly url: string; readonly headers: Readonly<Record<string, string>> }[];
  /** Script errors, and violations of the page's security policy. */
  readonly complaints: readonly string[];
  readonly box: Locator;
  /** The newest answer. */
  readonly answer: Locator;
  /** The announcement for screen readers. */
  readonly spoken: Locator;
  say(text: string): Promise<void>;
  button(name: string | RegExp): Locator;
  /** The id of the visible conversation. */
  viewedId(): string;
}

export async function openTab(context: BrowserContext, url: string): Promise<Tab> {
  const page = await context.newPage();
  const requests: { url: string; headers: Record<string, string> }[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => requests.push({ url: request.url(), headers: request.headers() }));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (/content security policy/i.test(message.text())) complaints.push(message.text());
  });
  await page.goto(url);
  const box = page.locator('#message');
  await box.waitFor();
  return {
    page,
    context,
    requests,
    complaints,
    box,
    answer: page.locator('.answer').last(),
    spoken: page.locator('[data-spoken]'),
    async say(text) {
      await box.fill(text);
      await box.press('Enter');
    },
    button: (name) => page.getByRole('button', { name }),
    viewedId: () => new URL(page.url()).hash.replace('#/c/', ''),
  };
}

/** Waits until an element holds the text. */
export function holds(locator: Locator, text: string | RegExp): Promise<void> {
  return locator.filter({ hasText: text }).first().waitFor();
}
