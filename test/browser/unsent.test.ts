import { beforeAll, beforeEach, expect } from 'vitest';
import { echo } from '../../testkit/model/scripted-model.ts';
import { historyOf, replicaOf } from '../../testkit/server/deployment.ts';
import { type Chat, holds, startChat } from '../support/chat.ts';
import { promise } from './promises.ts';

let chat: Chat;

beforeAll(async () => {
  chat = await startChat(1);
});

beforeEach(() => {
  chat.model.reply(echo);
});

promise(
  'page.answer.sent-once',
  'a message whose first try was lost on the way is sent again and is one turn',
  async () => {
    const tab = await chat.open();
    chat.proxy.down();
    await tab.say('Once');
    await holds(tab.answer, 'goes out by itself');
    await tab.page.reload();
    await holds(tab.answer, 'goes out by itself');
    chat.proxy.to(replicaOf(chat, 0));
    // It may go out by itself just before the click.
    await Promise.any([tab.button('Try now').click(), holds(tab.answer, 'echo:Once')]);
    await holds(tab.answer, 'echo:Once');
    expect(await historyOf(replicaOf(chat, 0), tab.viewedId())).toEqual([
      'user: Once',
      'assistant: echo:Once',
    ]);
    await tab.context.close();
  },
);

promise(
  'page.answer.sent-in-order',
  'messages that were written without a server go out in the order in which they were written',
  async () => {
    const tab = await chat.open();
    chat.proxy.down();
    await tab.say('one');
    await holds(tab.answer, 'goes out by itself');
    for (const text of ['two', 'three', 'four']) await tab.say(text);
    await holds(tab.answer, 'goes out by itself');
    expect(await tab.page.locator('.note').allTextContents()).toHaveLength(4);
    expect(await tab.page.locator('.session').textContent()).toContain('Not sent yet');
    await tab.page.locator('.waiting').nth(2).getByRole('button', { name: 'Take back' }).click();
    await tab.box.fill('');
    chat.proxy.to(replicaOf(chat, 0));
    await tab.say('five');
    await holds(tab.answer, 'echo:five');
    expect(await historyOf(replicaOf(chat, 0), tab.viewedId())).toEqual(
      ['one', 'two', 'four', 'five'].flatMap((text) => [`user: ${text}`, `assistant: echo:${text}`]),
    );
    await tab.context.close();
  },
);
