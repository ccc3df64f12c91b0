import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, expect } from 'vitest';
import { startBrowser } from '../../testkit/browser/browser.ts';
import { serveWebPage, type WebPage } from '../../testkit/browser/web-page.ts';
import { type Relay, startRelay } from '../../testkit/http/relay.ts';
import { echo, textDeltas } from '../../testkit/model/scripted-model.ts';
import { whenLeftOver } from '../../testkit/process/left-overs.ts';
import { type Deployment, historyOf, replicaOf, startDeployment } from '../../testkit/server/deployment.ts';
import { holds } from '../support/chat.ts';
import { processPromise, promise } from './promises.ts';

const root = fileURLToPath(new URL('../../examples/ui/', import.meta.url));
const outDir = mkdtempSync(join(tmpdir(), 'turnwise-ui-example-'));
const remove = () => rmSync(outDir, { recursive: true, force: true });
const forget = whenLeftOver(remove, { kind: 'folder', path: outDir });

let proxy: Relay;
let site: WebPage;
let deployment: Deployment;
let browser: Browser;

beforeAll(async () => {
  await build({ ...{ root, configFile: false, logLevel: 'error' }, build: { outDir, emptyOutDir: true } });
  proxy = await startRelay();
  site = await serveWebPage(proxy.url, outDir);
  [browser, deployment] = await Promise.all([startBrowser(), startDeployment(2, { CORS_ORIGINS: site.url })]);
  proxy.to(replicaOf(deployment, 0));
});

afterAll(async () => {
  remove();
  forget();
  await Promise.all([browser.close(), site.close(), proxy.close()]);
});

async function openExample(): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  page.setDefaultTimeout(20_000);
  await page.goto(`${site.url}/?server=${proxy.url}`);
  return page;
}

async function ask(page: Page, text: string): Promise<void> {
  await page.getByLabel('Message').fill(text);
  await press(page, 'Send');
}

const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();
const said = (page: Page) => page.locator('section p');
const chatOf = (page: Page) => page.evaluate<string>('sessionStorage.chat');

promise(
  'page.ui-example',
  'a page with useChat that is reloaded in mid-answer goes on with it on another replica, and asks the next question there',
  async () => {
    const gate = deployment.model.gate();
    deployment.model.reply(() => [{ delta: 'one ' }, { wait: gate }, { delta: 'two' }]);
    const page = await openExample();
    await ask(page, 'Go');
    await holds(said(page).nth(1), 'one');
    proxy.to(replicaOf(deployment, 1));
    await page.reload();
    await holds(said(page).nth(1), 'one');
    gate.open();
    await holds(said(page).nth(1), /^one two$/);
    expect(await said(page).allTextContents()).toEqual(['Go', 'one two']);
    deployment.model.reply(echo);
    await ask(page, 'on');
    await holds(said(page).nth(3), /^echo:on$/);
    expect(await historyOf(replicaOf(deployment, 0), await chatOf(page))).toEqual([
      ...['user: Go', 'assistant: one two', 'user: on', 'assistant: echo:on'],
    ]);
    await page.context().close();
  },
);

promise(
  'page.ui-example.stop',
  'a page with useChat stops its answer at the server, makes it anew, and tries again what failed',
  async () => {
    proxy.to(replicaOf(deployment, 0));
    const gate = deployment.model.gate();
    deployment.model.reply(() => [{ delta: 'half' }, { wait: gate }]);
    const page = await openExample();
    await ask(page, 'Go');
    await holds(said(page).nth(1), 'half');
    await press(page, 'Stop');
    await page.getByRole('button', { name: 'Send' }).and(page.locator(':enabled')).waitFor();
    const history = async () => historyOf(replicaOf(deployment, 1), await chatOf(page));
    expect(await history()).toEqual(['user: Go', 'assistant: half [truncated]']);
    deployment.model.reply(echo);
    await press(page, 'Again');
    await holds(said(page).nth(1), /^echo:Go$/);
    deployment.model.reply(() => [{ status: 400, body: {} }]);
    await ask(page, 'on');
    await page.getByRole('alert').waitFor();
    deployment.model.reply(echo);
    await press(page, 'Again');
    await holds(said(page).nth(3), /^echo:on$/);
    expect(await history()).toEqual(['user: Go', 'assistant: echo:Go', 'user: on', 'assistant: echo:on']);
    await page.context().close();
  },
);

processPromise(
  'page.ui-example.takeover',
  'when the replica is killed in mid-answer, a page with useChat that reads it elsewhere shows the new answer alone',
  async () => {
    const gate = deployment.model.gate();
    let calls = 0;
    deployment.model.reply(() => {
      calls += 1;
      return calls === 1 ? [{ delta: 'half' }, { wait: gate }] : textDeltas('a whole answer');
    });
    const dying = await deployment.another();
    proxy.to(dying);
    const page = await openExample();
    await ask(page, 'Go');
    await holds(said(page).nth(1), 'half');
    proxy.to(replicaOf(deployment, 1));
    await page.reload();
    await holds(said(page).nth(1), 'half');
    await dying.kill();
    await holds(said(page).nth(1), /^a whole answer$/);
    expect(await said(page).allTextContents()).toEqual(['Go', 'a whole answer']);
    await page.context().close();
  },
);
