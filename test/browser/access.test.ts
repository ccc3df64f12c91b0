import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import { beforeAll, beforeEach, expect } from 'vitest';
import { echo, textDeltas } from '../../testkit/model/scripted-model.ts';
import { historyOf, replicaOf } from '../../testkit/server/deployment.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { type Chat, holds, startChat, type Tab } from '../support/chat.ts';
import { promise } from './promises.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const rich =
  '# Heading\n\nText with `code`, a [link](https://example.org) and\n\n- a list\n- of two\n\n> a quotation\n\n```js\nrun();\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n';

let chat: Chat;

beforeAll(async () => {
  chat = await startChat(1);
});

beforeEach(() => {
  chat.model.reply(echo);
});

promise(
  'page.keyboard',
  'all of it is done by keyboard: writing, sending, stopping, choosing, renaming, deleting',
  async () => {
    const tab = await chat.open();
    const { keyboard } = tab.page;
    const focused = () =>
      tab.page.evaluate<string>('document.activeElement?.getAttribute("aria-label") ?? ""');
    const tabTo = async (name: RegExp, key = 'Tab') => {
      for (let steps = 0; steps < 30; steps += 1) {
        if (name.test(await focused())) return;
        await keyboard.press(key);
      }
      throw new Error(`no way by keyboard to ${name}`);
    };
    await keyboard.type('one');
    await keyboard.press('Shift+Enter');
    await keyboard.type('two');
    await keyboard.press('Enter');
    await holds(tab.answer, 'echo:one');
    expect(await historyOf(replicaOf(chat, 0), tab.viewedId())).toContain('user: one\ntwo');
    chat.model.reply(() => [{ delta: 'on and on' }, { hang: true }]);
    await keyboard.type('more');
    await keyboard.press('Enter');
    await holds(tab.answer, 'on and on');
    await keyboard.press('Escape');
    await holds(tab.answer, 'Stopped');
    await tabTo(/^Rename/, 'Shift+Tab');
    await keyboard.press('Enter');
    await keyboard.type('By hand');
    await keyboard.press('Enter');
    await holds(tab.page.locator('h1'), 'By hand');
    await tabTo(/^Delete/);
    await keyboard.press('Enter');
    await keyboard.press('Escape');
    await tab.page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await focused()).toMatch(/^Delete/);
    await keyboard.press('Enter');
    await keyboard.press('Tab');
    await keyboard.press('Enter');
    await tab.page.locator('.session').waitFor({ state: 'detached' });
    await tab.context.close();
  },
);

promise(
  'page.spoken',
  'screen readers are told that an answer is being written, and then the whole of it, never its parts',
  async () => {
    const gate = chat.model.gate();
    chat.model.reply(() => [...textDeltas('many small parts', 3), { wait: gate }, { delta: ' and an end' }]);
    const tab = await chat.open();
    await tab.page.evaluate(`
      globalThis.told = [];
      const region = document.querySelector('[data-spoken]');
      const note = () => told.push(region.textContent);
      new MutationObserver(note).observe(region, { childList: true, characterData: true, subtree: true });
    `);
    await tab.say('Go');
    await holds(tab.answer, 'many small parts');
    gate.open();
    await holds(tab.spoken, 'and an end');
    const told = await tab.page.evaluate<string[]>('told');
    expect(told.filter((text) => text !== '')).toEqual(['Answering…', 'Answer: many small parts and an end']);
    expect(await tab.page.locator('[aria-live], [role=log], [role=status]').count()).toBe(1);
    await tab.context.close();
  },
);

promise(
  'page.phone',
  'on a phone nothing runs out of the page, and the list is a drawer that opens and closes',
  async () => {
    const tab = await chat.open({ viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true });
    chat.model.reply(() =>
      textDeltas(
        `${'x'.repeat(300)}\n\n\`\`\`\n${'long line '.repeat(40)}\n\`\`\`\n\n|a|b|\n|-|-|\n|${'c'.repeat(90)}|d|`,
      ),
    );
    await tab.say(`word ${'y'.repeat(200)}`);
    await tab.page.locator('.foot').waitFor();
    // A pixel is rounding.
    const excess = () =>
      tab.page.evaluate<number>(`Math.max(document.documentElement.scrollWidth - innerWidth,
        ...[...document.querySelectorAll('.thread, .entry, .bubble, .prose')].map((part) => part.scrollWidth - part.clientWidth))`);
    expect(await excess()).toBeLessThan(2);
    await tab.button('Show conversations').tap();
    await tab.page.getByRole('link', { name: /word/ }).waitFor();
    expect(await excess()).toBeLessThan(2);
    await tab.button('Hide conversations').first().tap();
    await waitFor(async () => !(await tab.page.getByRole('link', { name: /word/ }).isVisible()), {
      what: 'the drawer to close',
    });
    await tab.context.close();
  },
);

/** What axe finds wrong on the page as it stands, in short. */
async function findings(tab: Tab, state: string): Promise<string[]> {
  const results: AxeResults = await tab.page.evaluate(`${axe}\naxe.run()`);
  return results.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${state}: ${id} at ${nodes.map((node) => node.target.join(' ')).join(', ')}`);
}

for (const colorScheme of ['light', 'dark'] as const) {
  const check = async () => {
    const tab = await chat.open({ colorScheme });
    const found: string[] = await findings(tab, 'empty');
    const thought = { chunk: { choices: [{ index: 0, delta: { reasoning_content: rich } }] } };
    chat.model.reply(() => [thought, ...textDeltas(rich, 20)]);
    await tab.say('First');
    await tab.page.locator('.foot').waitFor();
    await tab.page.getByText('Reasoning').click();
    await holds(tab.page.locator('details'), 'a quotation');
    found.push(...(await findings(tab, 'answered')));
    const gate = chat.model.gate();
    chat.model.reply(() => [{ delta: 'half' }, { wait: gate }]);
    await tab.say('Second');
    await tab.say('Third');
    await holds(tab.page.locator('.entries'), '1 ahead');
    await tab.box.fill('Fourth');
    found.push(...(await findings(tab, 'waiting')));
    await tab.page.locator('.session').hover();
    await tab.page.getByRole('button', { name: 'Rename: First' }).click();
    found.push(...(await findings(tab, 'rename')));
    await tab.page.keyboard.press('Escape');
    await tab.page.locator('.session').hover();
    await tab.page.getByRole('button', { name: 'Delete: First' }).click();
    found.push(...(await findings(tab, 'delete')));
    await tab.page.keyboard.press('Escape');
    chat.proxy.down();
    await tab.page.locator('.banner').waitFor();
    found.push(...(await findings(tab, 'unreachable')));
    chat.proxy.to(chat.replicas[0] ?? { port: 0 });
    gate.open();
    await tab.page.setViewportSize({ width: 380, height: 700 });
    await tab.button('Show conversations').click();
    await tab.page.locator('.side.open').waitFor();
    found.push(...(await findings(tab, 'drawer')));
    await tab.page.goto(`${chat.url}/#/c/never-there`);
    await holds(tab.page.locator('main'), 'This conversation is gone');
    found.push(...(await findings(tab, 'gone')));
    expect(found).toEqual([]);
    await tab.context.close();
  };
  if (colorScheme === 'light') {
    promise(
      'page.access.light',
      'axe finds nothing serious in any state of the page in light colours',
      check,
    );
  } else {
    promise(
      'page.access.dark',
      'axe finds nothing serious in any state of the page in dark colours',
      check,
      60_000,
    );
  }
}
