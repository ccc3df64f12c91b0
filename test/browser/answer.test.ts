import { beforeAll, expect } from 'vitest';
import type { Gate, Step } from '../../testkit/model/model-script.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import { historyOf, replicaOf } from '../../testkit/server/deployment.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { type Chat, holds, openTab, startChat } from '../support/chat.ts';
import { promise } from './promises.ts';

let chat: Chat;

beforeAll(async () => {
  chat = await startChat(2, { MODEL_MAX_RETRIES: '0' });
});

/** The model says one part, waits, and says the rest. */
function inTwoParts(gate: Gate, first = 'first part ', rest = 'second part'): void {
  chat.model.reply(() => [{ delta: first }, { wait: gate }, { delta: rest }]);
}

promise('page.answer.as-it-comes', 'an answer stands on the page as far as it was said', async () => {
  const gate = chat.model.gate();
  inTwoParts(gate);
  const tab = await chat.open();
  await tab.say('Go');
  await holds(tab.answer, 'first part');
  expect(await tab.answer.innerText()).not.toContain('second');
  gate.open();
  await holds(tab.answer, 'first part second part');
  await holds(tab.answer, /\d+ tokens/);
  await tab.context.close();
});

promise('page.answer.stop', 'Escape stops the model, and what it said stays and is marked', async () => {
  inTwoParts(chat.model.gate());
  const tab = await chat.open();
  await tab.say('Go');
  await holds(tab.answer, 'first part');
  await tab.page.keyboard.press('Escape');
  await chat.model.requests.at(-1)?.whenAborted;
  await holds(tab.answer, 'Stopped');
  expect(await historyOf(replicaOf(chat, 0), tab.viewedId())).toEqual([
    'user: Go',
    'assistant: first part  [truncated]',
  ]);
  await tab.context.close();
});

promise(
  'page.answer.stop-early',
  'what was stopped before a word was said goes back into the box',
  async () => {
    const gate = chat.model.gate();
    chat.model.reply(() => [{ wait: gate }]);
    const tab = await chat.open();
    await tab.say('Never mind');
    await gate.reached;
    await tab.button('Stop').click();
    await waitFor(async () => (await tab.box.inputValue()) === 'Never mind', {
      what: 'the words in the box',
    });
    expect(await tab.page.locator('.entry').count()).toBe(0);
    await tab.context.close();
  },
);

promise(
  'page.answer.reload-elsewhere',
  'a page that is loaded anew in mid-answer goes on where it was, on another replica',
  async () => {
    const gate = chat.model.gate();
    inTwoParts(gate);
    const tab = await chat.open();
    await tab.say('Go');
    await holds(tab.answer, 'first part');
    chat.proxy.to(replicaOf(chat, 1));
    chat.proxy.cut();
    const resumed = tab.page.waitForRequest(
      (request) => request.method() === 'GET' && request.url().endsWith('/stream'),
    );
    await tab.page.reload();
    expect((await resumed).headers()['last-event-id']).toMatch(/^\d+-\d+$/);
    await holds(tab.answer, 'first part');
    gate.open();
    await holds(tab.answer, /^\s*Answer\s*first part second part\s*$/m);
    await tab.context.close();
    chat.proxy.to(replicaOf(chat, 0));
  },
);

promise(
  'page.answer.replica-killed',
  'when the replica dies in mid-answer the page says that the answer starts again, and shows it once',
  async () => {
    const doomed = await chat.another();
    chat.proxy.to(doomed);
    chat.proxy.cut();
    const gate = chat.model.gate();
    const calls = chat.model.requests.length;
    chat.model.reply((_, index): Step[] =>
      index === calls
        ? [{ delta: 'lost words ' }, { hang: true }]
        : [{ delta: 'found ' }, { wait: gate }, { delta: 'words' }],
    );
    const tab = await chat.open();
    await tab.say('Go');
    await holds(tab.answer, 'lost words');
    await doomed.kill();
    chat.proxy.to(replicaOf(chat, 1));
    await holds(tab.answer, 'the answer starts again');
    await holds(tab.answer, 'found');
    expect(await tab.answer.innerText()).not.toContain('lost');
    gate.open();
    await holds(tab.answer, /found words/);
    expect(await historyOf(replicaOf(chat, 1), tab.viewedId())).toEqual([
      'user: Go',
      'assistant: found words',
    ]);
    await tab.context.close();
    chat.proxy.to(replicaOf(chat, 0));
  },
);

promise(
  'page.answer.network-back',
  'without a network the page says so, and goes on by itself when it is back',
  async () => {
    const gate = chat.model.gate();
    inTwoParts(gate);
    const tab = await chat.open();
    await tab.say('Go');
    await holds(tab.answer, 'first part');
    const inVain = tab.page.waitForEvent('requestfailed', (request) => request.url().includes('/turns/'));
    await tab.context.setOffline(true);
    chat.proxy.cut();
    await holds(tab.page.locator('.banner'), 'You are offline');
    await holds(tab.answer, 'The answer goes on at the server');
    await inVain;
    gate.open();
    await tab.context.setOffline(false);
    await holds(tab.answer, 'first part second part');
    await tab.page.locator('.banner').waitFor({ state: 'detached' });
    await tab.context.close();
  },
);

promise('page.answer.again', 'after an error in the answer one button asks again', async () => {
  const calls = chat.model.requests.length;
  chat.model.reply((request, index) => (index === calls ? [{ status: 500 }] : echo(request)));
  const tab = await chat.open();
  await tab.say('Go');
  await holds(tab.answer, 'did not give a usable answer');
  await tab.button('Try again').click();
  await holds(tab.answer, 'echo:Go');
  expect(await tab.page.locator('.said').count()).toBe(1);
  await tab.context.close();
});

promise(
  'page.queue.place',
  'a message sent while one is answered shows its place, can be taken back, and is answered in order',
  async () => {
    const gate = chat.model.gate();
    const calls = chat.model.requests.length;
    chat.model.reply((request, index) =>
      index === calls ? [{ wait: gate }, { delta: 'one' }] : echo(request),
    );
    const tab = await chat.open();
    for (const text of ['first', 'second', 'third', 'fourth']) await tab.say(text);
    await holds(tab.page.locator('.entries'), '3 ahead');
    await tab.page.locator('.waiting', { hasText: '2 ahead' }).getByRole('button').click();
    await waitFor(async () => (await tab.box.inputValue()) === 'third', { what: 'the words in the box' });
    gate.open();
    await holds(tab.answer, 'echo:fourth');
    expect(await historyOf(replicaOf(chat, 0), tab.viewedId())).toEqual([
      'user: first',
      'assistant: one',
      'user: second',
      'assistant: echo:second',
      'user: fourth',
      'assistant: echo:fourth',
    ]);
    await tab.context.close();
  },
);

promise('page.queue.interrupt', 'a message may interrupt the answer, which keeps what was said', async () => {
  const calls = chat.model.requests.length;
  chat.model.reply((request, index) =>
    index === calls ? [{ delta: 'begun' }, { hang: true }] : echo(request),
  );
  const tab = await chat.open();
  await tab.say('first');
  await holds(tab.answer, 'begun');
  await tab.box.fill('second');
  await tab.page.getByText('interrupts').click();
  await tab.box.press('Enter');
  await holds(tab.answer, 'echo:second');
  const texts = await tab.page.locator('.entry').allInnerTexts();
  expect(texts[1]).toMatch(/begun[\s\S]*Stopped/);
  await tab.context.close();
});

promise(
  'page.queue.join',
  'a message may join the one that waits, and both are answered together',
  async () => {
    const gate = chat.model.gate();
    const calls = chat.model.requests.length;
    chat.model.reply((_, index) =>
      index === calls ? [{ wait: gate }, { delta: 'one' }] : [{ delta: 'both' }],
    );
    const tab = await chat.open();
    await tab.say('first');
    await tab.say('second');
    await holds(tab.page.locator('.entries'), '1 ahead');
    await tab.box.fill('third');
    await tab.page.getByText('joins the waiting one').click();
    await tab.box.press('Enter');
    const session = `turnwise:{-/${await tab.viewedId()}}`;
    const [member] = (await chat.redis.ask('ZRANGE', `${session}:queue`, 0, -1)) as string[];
    const turn = `${session}:turn:${member?.split('/')[0]}`;
    // The page shows one that waits before and after: only the server knows when the third has joined.
    await waitFor(async () => (await chat.redis.ask('HGET', turn, 'joined')) === '1', {
      what: 'the third to join',
    });
    expect(await tab.page.locator('.waiting').count()).toBe(1);
    gate.open();
    await holds(tab.answer, 'both');
    await waitFor(async () => (await tab.page.locator('[aria-busy=true]').count()) === 0, {
      what: 'the end',
    });
    expect(await tab.page.locator('.entry').allInnerTexts()).toHaveLength(5);
    expect(await historyOf(replicaOf(chat, 0), tab.viewedId())).toEqual([
      'user: first',
      'assistant: one',
      'user: second',
      'user: third',
      'assistant: both',
    ]);
    await tab.context.close();
  },
);

promise('page.tabs.in-step', 'a second tab shows the same answer as it comes, and its end', async () => {
  const gate = chat.model.gate();
  inTwoParts(gate);
  const tab = await chat.open();
  chat.model.reply(echo);
  await tab.say('Hello');
  await holds(tab.answer, 'echo:Hello');
  const other = await openTab(tab.context, tab.page.url());
  await holds(other.answer, 'echo:Hello');
  inTwoParts(gate);
  await tab.say('Go');
  await holds(other.answer, 'first part');
  expect(await other.answer.innerText()).not.toContain('second');
  gate.open();
  await Promise.all([
    holds(tab.answer, 'first part second part'),
    holds(other.answer, 'first part second part'),
  ]);
  await waitFor(async () => (await other.page.locator('[aria-busy=true]').count()) === 0, {
    what: 'the end',
  });
  expect(await other.page.locator('.entry').count()).toBe(4);
  await tab.context.close();
});
