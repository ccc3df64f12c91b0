// Takes the pictures of the chat page that the README shows, into docs/pictures/. Needs a build.
import { mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { startDemoModel } from '../src/model/demo-model.ts';
import { startBrowser } from '../testkit/browser/browser.ts';
import { serveWebPage } from '../testkit/browser/web-page.ts';
import { startRelay } from '../testkit/http/relay.ts';
import { endLeftOvers } from '../testkit/process/left-overs.ts';
import { startRedis } from '../testkit/redis/redis.ts';
import { startReplica } from '../testkit/server/replica.ts';
import { root } from './setup/run.mjs';

const FOLDER = path.join(root, 'docs/pictures');
const MOST_BYTES = 200_000;
const EARLIER = ['Plan a week of dinners', 'What does a fence do?', 'A letter to the landlord'];

const PICTURES = [
  { name: 'light', colorScheme: 'light', viewport: { width: 1180, height: 760 } },
  { name: 'dark', colorScheme: 'dark', viewport: { width: 1180, height: 760 } },
  { name: 'phone', colorScheme: 'light', viewport: { width: 390, height: 760 } },
];

/** Starts everything that the page needs, on loopback; `endLeftOvers` ends it. */
async function startPage() {
  const proxy = await startRelay();
  const page = await serveWebPage(proxy.url);
  const redis = await startRedis();
  const model = await startDemoModel({ host: '127.0.0.1', port: 0 });
  const env = { OPENAI_MODEL: 'demo', DEMO_MODEL: 'true', CORS_ORIGINS: page.url, LOG_LEVEL: 'warn' };
  proxy.to(await startReplica({ redisUrl: redis.url, modelUrl: model.url, env }));
  return { url: page.url, model };
}

async function say(tab, text) {
  await tab.locator('#message').fill(text);
  await tab.keyboard.press('Enter');
}

async function takePicture(browser, url, { name, ...look }) {
  const context = await browser.newContext({ ...look, locale: 'en-GB' });
  const tab = await context.newPage();
  await tab.goto(url);
  for (const text of EARLIER) {
    await say(tab, text);
    await tab.locator('.foot').waitFor();
    await tab.evaluate('location.hash = "#/"');
    await tab.locator('.hello').waitFor();
  }
  for (const text of ['My name is Ada', 'What is my name?']) {
    await say(tab, text);
    await tab.locator('.foot').last().waitFor();
  }
  await tab.locator('.answer', { hasText: 'Your name is Ada.' }).waitFor();
  await say(tab, 'Write 200 words');
  await tab.locator('.prose', { hasText: 'The stream can be read again' }).waitFor();
  await tab.mouse.move(0, 0);
  const file = path.join(FOLDER, `${name}.png`);
  await tab.screenshot({ path: file, animations: 'disabled' });
  const bytes = statSync(file).size;
  console.log(`${path.relative(root, file)}  ${Math.round(bytes / 1000)} kB`);
  if (bytes > MOST_BYTES) throw new Error(`${file} is larger than ${MOST_BYTES / 1000} kB`);
  await context.close();
}

mkdirSync(FOLDER, { recursive: true });
try {
  const { url, model } = await startPage();
  const browser = await startBrowser();
  for (const picture of PICTURES) await takePicture(browser, url, picture);
  await model.close();
} finally {
  await endLeftOvers();
}
