import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect } from 'vitest';
import { buildWeb } from '../../src/process/web.ts';
import { startBrowser } from '../../testkit/browser/browser.ts';
import { type Relay, startRelay } from '../../testkit/http/relay.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import { type Deployment, historyOf, replicaOf, startDeployment } from '../../testkit/server/deployment.ts';
import { holds } from '../support/chat.ts';
import { promise } from './promises.ts';

const example = readFileSync(new URL('../../examples/page.html', import.meta.url), 'utf8');

/** A server with one answer to everything but a browser's question whether it may ask. */
async function serveAlways(status: number, type: string, body: () => string) {
  const server = createServer(({ method }, response) => {
    const headers = { 'access-control-allow-origin': '*', 'access-control-allow-headers': '*' };
    if (method === 'OPTIONS') response.writeHead(204, headers).end();
    else response.writeHead(status, { ...headers, 'content-type': type }).end(body());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

type Served = Awaited<ReturnType<typeof serveAlways>>;

let proxy: Relay;
let web: FastifyInstance;
let webUrl: string;
let site: Served;
let gone: Served;
let deployment: Deployment;
let browser: Browser;

beforeAll(async () => {
  proxy = await startRelay();
  web = buildWeb({ host: '127.0.0.1', port: 0, apiUrl: proxy.url });
  webUrl = await web.listen({ host: '127.0.0.1', port: 0 });
  const placed = () =>
    example.replace('http://localhost:8000', proxy.url).replace('http://localhost:3000/', `${webUrl}/`);
  [site, gone] = await Promise.all([
    serveAlways(200, 'text/html', placed),
    serveAlways(502, 'text/html', () => 'Bad Gateway'),
  ]);
  [browser, deployment] = await Promise.all([startBrowser(), startDeployment(2, { CORS_ORIGINS: site.url })]);
  proxy.to(replicaOf(deployment, 0));
});

afterAll(async () => {
  site.close();
  gone.close();
  await Promise.all([browser.close(), web.close(), proxy.close()]);
});

async function openExample(): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  page.setDefaultTimeout(20_000);
  await page.goto(site.url);
  return page;
}

async function say(page: Page, text: string): Promise<void> {
  await page.getByLabel('Message').fill(text);
  await page.getByRole('button', { name: 'Send' }).click();
}

const conversationOf = (page: Page) => page.evaluate<string>('sessionStorage.conversation');

promise(
  'page.example',
  'the example page imports the built client, and shows the answer over a cut, a 502 and a reload',
  async () => {
    const gates = [deployment.model.gate(), deployment.model.gate()];
    deployment.model.reply(() => [
      { chunk: { choices: [{ index: 0, delta: { reasoning_content: 'hm' } }] } },
      { delta: 'one ' },
      ...gates.flatMap((gate, index) => [{ wait: gate }, { delta: index === 0 ? 'two ' : 'three' }]),
    ]);
    const page = await openExample();
    await say(page, 'Go');
    await holds(page.locator('pre'), 'one');
    const refused = page.waitForResponse((response) => response.status() === 502);
    proxy.to(gone);
    proxy.cut();
    await refused;
    proxy.to(replicaOf(deployment, 1));
    proxy.cut();
    gates[0]?.open();
    await holds(page.locator('pre'), /^one two $/);
    await page.reload();
    await holds(page.locator('pre'), /^one two $/);
    gates[1]?.open();
    await holds(page.locator('pre'), /^one two three$/);
    expect(await page.locator('details p').textContent()).toBe('hm');
    expect(await historyOf(replicaOf(deployment, 0), await conversationOf(page))).toEqual([
      'user: Go',
      'assistant: one two three',
    ]);
    await page.context().close();
  },
);

promise('page.example.stop', 'the example page stops its answer and keeps what was said', async () => {
  proxy.to(replicaOf(deployment, 0));
  const gate = deployment.model.gate();
  deployment.model.reply(() => [{ delta: 'half' }, { wait: gate }, { delta: ' whole' }]);
  const page = await openExample();
  await say(page, 'Go');
  await holds(page.locator('pre'), 'half');
  await page.getByRole('button', { name: 'Stop' }).click();
  await holds(page.locator('pre'), /^half \(stopped\)$/);
  gate.open();
  expect(await historyOf(replicaOf(deployment, 1), await conversationOf(page))).toEqual([
    'user: Go',
    'assistant: half [truncated]',
  ]);
  deployment.model.reply(echo);
  await say(page, 'again');
  await holds(page.locator('pre'), /^echo:again$/);
  await page.context().close();
});

promise(
  'page.example.short',
  'the example page has at most 60 lines and needs nothing that is not served',
  async () => {
    expect(example.trimEnd().split('\n').length).toBeLessThanOrEqual(60);
    proxy.to(replicaOf(deployment, 0));
    const page = await (await browser.newContext()).newPage();
    const asked: string[] = [];
    const complaints: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('requestfailed', (request) => complaints.push(request.url()));
    await page.goto(site.url);
    await page.waitForLoadState('networkidle');
    expect(complaints).toEqual([]);
    expect(asked.filter((url) => !url.endsWith('/favicon.ico'))).toEqual([
      `${site.url}/`,
      `${webUrl}/client.js`,
    ]);
    await page.context().close();
  },
);
