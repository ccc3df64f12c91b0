import { beforeAll, beforeEach, expect } from 'vitest';
import type { Step } from '../../testkit/model/model-script.ts';
import { historyOf, replicaOf } from '../../testkit/server/deployment.ts';
import { type Chat, holds, startChat, type Tab } from '../support/chat.ts';
import { promise } from './promises.ts';

let chat: Chat;

beforeAll(async () => {
  chat = await startChat(2, { REASONING: 'store', MODEL_MAX_RETRIES: '0' });
});

beforeEach(() => {
  chat.proxy.to(replicaOf(chat, 0));
});

const thought = (reasoning_content: string): Step => ({
  chunk: { choices: [{ index: 0, delta: { reasoning_content } }] },
});

const foldOf = (tab: Tab) => tab.answer.locator('details');
const summaryOf = (tab: Tab) => foldOf(tab).locator('summary');
/** The answer alone, without what stands folded above it. */
const textOf = (tab: Tab) => tab.answer.locator('article > .prose');

/** Loads the page anew; @returns where it resumed */
async function reloadIn(tab: Tab): Promise<string> {
  const resumed = tab.page.waitForRequest(
    (request) => request.method() === 'GET' && request.url().endsWith('/stream'),
  );
  await tab.page.reload();
  return (await resumed).headers()['last-event-id'] ?? '';
}

promise(
  'page.reasoning.folded',
  'what the model thinks aloud stands folded above the answer, opens with all of it, and is no part of the answer',
  async () => {
    const [more, answer] = [chat.model.gate(), chat.model.gate()];
    chat.model.reply(() => [
      ...[thought('Let me '), thought('**think**.'), { wait: more }, thought(' Two and two.')],
      ...[{ wait: answer }, { delta: 'It is ' }, thought('Once more.'), { delta: 'four.' }],
    ]);
    const tab = await chat.open();
    await tab.say('Go');
    await holds(tab.answer, 'Thinking…');
    await summaryOf(tab).waitFor();
    expect(await foldOf(tab).innerText()).toBe('Reasoning');
    expect(await textOf(tab).count()).toBe(0);
    await summaryOf(tab).click();
    await holds(foldOf(tab), /Let me think\.\s*$/);
    more.open();
    await holds(foldOf(tab), /Let me think\. Two and two\.\s*$/);
    answer.open();
    await holds(tab.answer, /\d+ tokens/);
    expect(await foldOf(tab).innerText()).toMatch(/^Reasoning\s+Let me think\. Two and two\.\s+Once more\.$/);
    expect(await textOf(tab).innerText()).toBe('It is four.');
    expect(await tab.spoken.innerText()).toBe('Answer: It is four.');
    await tab.button('Copy answer').click();
    expect(await tab.page.evaluate('navigator.clipboard.readText()')).toBe('It is four.');
    await summaryOf(tab).press('Enter');
    await holds(foldOf(tab), /^Reasoning\s*$/);
    await tab.context.close();
  },
);

promise(
  'page.reasoning.reload',
  'a page that is loaded anew while the model thinks goes on where it was, and shows it again from the history',
  async () => {
    const gate = chat.model.gate();
    chat.model.reply(() => [thought('first '), { wait: gate }, thought('second'), { delta: 'Said.' }]);
    const tab = await chat.open();
    await tab.say('Go');
    await summaryOf(tab).waitFor();
    chat.proxy.to(replicaOf(chat, 1));
    chat.proxy.cut();
    expect(await reloadIn(tab)).toMatch(/^\d{16}-\d+$/);
    await summaryOf(tab).click();
    await holds(foldOf(tab), /^Reasoning\s*first\s*$/);
    gate.open();
    await holds(foldOf(tab), /^Reasoning\s*first second\s*$/);
    await holds(tab.answer, /\d+ tokens/);
    await tab.page.reload();
    await holds(textOf(tab), /^Said\.\s*$/);
    expect(await foldOf(tab).innerText()).toBe('Reasoning');
    await summaryOf(tab).click();
    await holds(foldOf(tab), /^Reasoning\s*first second\s*$/);
    await tab.context.close();
  },
);

promise(
  'page.reasoning.replica-killed',
  'when the replica dies while the model thinks, its thoughts begin again with the answer, and a reload goes on from there',
  async () => {
    const doomed = await chat.another();
    chat.proxy.to(doomed);
    chat.proxy.cut();
    const gate = chat.model.gate();
    const calls = chat.model.requests.length;
    chat.model.reply((_, index): Step[] =>
      index === calls
        ? [thought('lost '), { delta: 'lost words' }, thought('more lost'), { hang: true }]
        : [thought('found '), { wait: gate }, thought('again'), { delta: 'found words' }],
    );
    const tab = await chat.open();
    await tab.say('Go');
    await summaryOf(tab).click();
    await holds(foldOf(tab), 'more lost');
    const before = await reloadIn(tab);
    await summaryOf(tab).waitFor();
    await doomed.kill();
    chat.proxy.to(replicaOf(chat, 1));
    await holds(tab.answer, 'the answer starts again');
    await summaryOf(tab).click();
    await holds(foldOf(tab), /^Reasoning\s*found\s*$/);
    const after = await reloadIn(tab);
    const fences = [before, after].map((id) => id.split('-')[0] ?? '');
    expect(fences).toEqual([expect.stringMatching(/^\d{16}$/), expect.stringMatching(/^\d{16}$/)]);
    expect(fences[0]).not.toBe(fences[1]);
    gate.open();
    await holds(textOf(tab), /^found words\s*$/);
    await summaryOf(tab).click();
    await holds(foldOf(tab), /^Reasoning\s*found again\s*$/);
    expect(await historyOf(replicaOf(chat, 1), tab.viewedId())).toEqual([
      'user: Go',
      'assistant: found words',
    ]);
    await tab.context.close();
  },
);

promise(
  'page.reasoning.not-stored',
  'what the model thought aloud stays on a page that heard it, also where the server does not store it',
  async () => {
    chat.proxy.to(await chat.another({ REASONING: 'stream' }));
    chat.proxy.cut();
    chat.model.reply(() => [thought('in passing'), { delta: 'Said.' }]);
    const tab = await chat.open();
    await tab.say('Go');
    await holds(tab.answer, /\d+ tokens/);
    await summaryOf(tab).click();
    await holds(foldOf(tab), /in passing\s*$/);
    await tab.page.reload();
    await holds(textOf(tab), /^Said\.\s*$/);
    expect(await foldOf(tab).count()).toBe(0);
    await tab.context.close();
  },
);

promise(
  'page.reasoning.place',
  'who opens long thoughts at the end of the page is left at their beginning',
  async () => {
    chat.model.reply(() => [thought('line\n\n'.repeat(80)), { delta: 'Said.' }]);
    const tab = await chat.open();
    await tab.say('Go');
    await holds(tab.answer, /\d+ tokens/);
    const before = (await summaryOf(tab).boundingBox())?.y;
    await summaryOf(tab).click();
    await holds(foldOf(tab), 'line');
    await tab.button('To the latest').waitFor();
    expect((await summaryOf(tab).boundingBox())?.y).toBe(before);
    await tab.context.close();
  },
);
