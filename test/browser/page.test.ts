import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { beforeAll, beforeEach, expect } from 'vitest';
import { echo, textDeltas } from '../../testkit/model/scripted-model.ts';
import { deleteSession, promptFor } from '../../testkit/server/api.ts';
import { historyOf, replicaOf } from '../../testkit/server/deployment.ts';
import { type Chat, holds, openTab, startChat } from '../support/chat.ts';
import { startKeyGate } from '../support/key-gate.ts';
import { promise } from './promises.ts';

let chat: Chat;

beforeAll(async () => {
  chat = await startChat(1);
});

beforeEach(() => {
  chat.model.reply(echo);
  chat.proxy.to(replicaOf(chat, 0));
});

promise(
  'page.isolation',
  'two conversations of one page, answered at the same time, never see each other',
  async () => {
    const gate = chat.model.gate();
    chat.model.reply((request) => [{ delta: 'hm ' }, { wait: gate }, ...echo(request)]);
    const tab = await chat.open();
    await tab.say('about cats');
    await holds(tab.answer, 'hm');
    await tab.button('New conversation').click();
    await tab.say('about dogs');
    await holds(tab.answer, 'hm');
    gate.open();
    await holds(tab.answer, 'echo:about dogs');
    expect(await tab.page.locator('.entries').innerText()).not.toContain('cats');
    await tab.page.getByRole('link', { name: /about cats/ }).click();
    await holds(tab.answer, 'echo:about cats');
    expect(await tab.page.locator('.entries').innerText()).not.toContain('dogs');
    await tab.say('and now?');
    await holds(tab.answer, 'echo:and now?');
    expect(promptFor(chat.model, 'and now?').map(({ content }) => content)).toEqual([
      'about cats',
      'hm echo:about cats',
      'and now?',
    ]);
    await tab.context.close();
  },
);

promise(
  'page.list.own',
  'without a key the page lists the conversations of this browser and asks for no others',
  async () => {
    const tab = await chat.open();
    await tab.say('mine');
    await holds(tab.answer, 'echo:mine');
    const stranger = await chat.open();
    await stranger.say('of a stranger');
    await holds(stranger.answer, 'echo:of a stranger');
    await tab.page.reload();
    await holds(tab.page.locator('.session'), /mine[\s\S]*kept until/);
    expect(await tab.page.locator('.session').count()).toBe(1);
    const lists = tab.requests.filter(({ url }) => new URL(url).pathname === '/api/sessions');
    expect(lists).toEqual([]);
    await tab.context.close();
    await stranger.context.close();
  },
);

promise(
  'page.list.change',
  'a conversation is found by its title, renamed, and deleted after one question',
  async () => {
    const tab = await chat.open();
    for (const text of ['apples', 'pears']) {
      await tab.button('New conversation').click();
      // Before, what is said would go into the conversation on view.
      await holds(tab.page.locator('h1'), 'New conversation');
      await tab.say(text);
      await holds(tab.answer, `echo:${text}`);
    }
    const item = (title: string) => tab.page.locator('.session', { hasText: title });
    await item('apples').hover();
    await tab.button('Rename: apples').click();
    await tab.page.keyboard.type('Red fruit');
    await tab.page.keyboard.press('Enter');
    await item('Red fruit').waitFor();
    await tab.page.getByLabel('Search titles').fill('red');
    await item('pears').waitFor({ state: 'detached' });
    await tab.page.getByLabel('Search titles').fill('');
    const id = tab.viewedId();
    await item('pears').hover();
    await tab.button('Delete: pears').click();
    await tab.button('Cancel').click();
    await item('pears').hover();
    await tab.button('Delete: pears').click();
    await tab.page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await item('pears').waitFor({ state: 'detached' });
    await holds(tab.page.locator('h1'), 'New conversation');
    expect(await historyOf(replicaOf(chat, 0), id)).toEqual([]);
    await tab.page.reload();
    await item('Red fruit').waitFor();
    expect(await tab.page.locator('.session').count()).toBe(1);
    await tab.context.close();
  },
);

promise(
  'page.expired',
  'when the time of the conversation on view is over the page says that it is gone, before one writes on',
  async () => {
    const tab = await chat.open();
    await tab.page.clock.install();
    await tab.page.reload();
    await tab.say('Hello');
    await holds(tab.answer, 'echo:Hello');
    await holds(tab.page.locator('.head'), 'Kept until');
    await deleteSession(replicaOf(chat, 0), tab.viewedId());
    await tab.page.clock.fastForward('31:00');
    await holds(tab.page.locator('main'), 'This conversation is gone');
    await holds(tab.answer, 'echo:Hello');
    expect(await tab.box.count()).toBe(0);
    await tab.context.close();
  },
);

promise(
  'page.gone',
  'a conversation that the server has forgotten says so and offers a new one',
  async () => {
    const tab = await chat.open();
    await tab.say('short-lived');
    await holds(tab.answer, 'echo:short-lived');
    await deleteSession(replicaOf(chat, 0), tab.viewedId());
    await tab.page.reload();
    await holds(tab.page.locator('main'), 'This conversation is gone');
    expect(await tab.page.locator('.session').count()).toBe(0);
    await tab.page.locator('main').getByRole('button', { name: 'New conversation' }).click();
    await tab.say('again');
    await holds(tab.answer, 'echo:again');
    await tab.context.close();
  },
);

promise(
  'page.answer.nested',
  'an answer nested deeper than the parser can go is shown as it was written',
  async () => {
    const nested = `${'> '.repeat(5000)}at the bottom`;
    chat.model.reply(() => [{ delta: nested }]);
    const tab = await chat.open();
    await tab.say('nest');
    await holds(tab.answer, 'at the bottom');
    chat.model.reply(echo);
    await tab.say('still there?');
    await holds(tab.answer, 'echo:still there?');
    await tab.context.close();
  },
);

promise(
  'page.html-harmless',
  'markup and scripts in a message or an answer are shown as text and do nothing',
  async () => {
    const evil =
      '<script>document.title="owned"</script><img src=x onerror="document.title=\'owned\'">' +
      '<a href="javascript:document.title=\'owned\'">tap</a> [tap](javascript:document.title="owned") ' +
      '![](http://192.0.2.1/pixel.png) <style>*{display:none}</style><iframe src="//192.0.2.1"></iframe>';
    const tab = await chat.open();
    await tab.say(evil);
    await holds(tab.answer, '<iframe');
    expect(await tab.page.locator('.said .bubble').innerText()).toBe(evil);
    expect(
      await tab.page
        .locator('.entries :is(script, img, iframe, style, object, [onerror], [href^="javascript"])')
        .count(),
    ).toBe(0);
    for (const link of await tab.answer.locator('a').all())
      expect(await link.getAttribute('rel')).toContain('noopener');
    expect(await tab.page.title()).toBe('Turnwise');
    expect(tab.requests.filter(({ url }) => url.includes('192.0.2.1'))).toEqual([]);
    await tab.context.close();
  },
);

promise('page.code.copy', 'the code of an answer is copied as it was written', async () => {
  const code = 'if (a < b && c) {\n  run("x");\n}';
  chat.model.reply(() => textDeltas(`Like this:\n\n\`\`\`ts\n${code}\n\`\`\`\n`));
  const tab = await chat.open();
  await tab.say('code');
  await tab.page.locator('.foot').waitFor();
  await tab.button('Copy code').click();
  await tab.button('Copied').first().waitFor();
  expect(await tab.page.evaluate('navigator.clipboard.readText()')).toBe(code);
  await tab.context.close();
});

promise(
  'page.key',
  'a server that wants a key is given one from the page, in a header alone, and forgets it with the tab',
  async () => {
    chat.proxy.to(await startKeyGate(replicaOf(chat, 0), 'secret-key'));
    chat.proxy.cut();
    const tab = await chat.open();
    await tab.say('with a key');
    await tab.page.getByRole('textbox', { name: 'Key' }).fill('wrong-key');
    await tab.button('Use this key').click();
    await holds(tab.page.getByRole('dialog'), 'does not take this key');
    await tab.page.getByRole('textbox', { name: 'Key' }).fill('secret-key');
    await tab.button('Use this key').click();
    await holds(tab.answer, 'echo:with a key');
    await tab.page.locator('.session').first().waitFor();
    await tab.page.reload();
    await holds(tab.answer, 'echo:with a key');
    expect(tab.requests.some(({ url }) => url.includes('secret-key'))).toBe(false);
    expect(await tab.page.evaluate('JSON.stringify(localStorage)')).not.toContain('with a key');
    const other = await openTab(tab.context, chat.url);
    expect(await other.page.evaluate('JSON.stringify(sessionStorage)')).not.toContain('secret-key');
    await tab.context.close();
  },
);

promise(
  'page.words',
  'the page speaks the language of its browser, and the other one when it is told to',
  async () => {
    const tab = await chat.open({ locale: 'zh-CN' });
    await holds(tab.page.locator('.hello'), '想聊点什么？');
    expect(await tab.page.locator('html').getAttribute('lang')).toBe('zh-CN');
    await tab.button('English').click();
    await holds(tab.page.locator('.hello'), 'What shall we talk about?');
    await tab.page.reload();
    await holds(tab.page.locator('.hello'), 'What shall we talk about?');
    await tab.context.close();
  },
);

promise(
  'page.self-contained',
  'the page asks nobody but its own server and the API, keeps to its policy, and is lighter than 150 kB',
  async () => {
    const tab = await chat.open();
    await tab.say('hello');
    await holds(tab.answer, 'echo:hello');
    const hosts = new Set(tab.requests.map(({ url }) => new URL(url).origin));
    expect([...hosts].sort()).toEqual([chat.url, chat.proxy.url].sort());
    expect(tab.complaints).toEqual([]);
    const folder = new URL('../../web/dist/assets/', import.meta.url);
    const bytes = readdirSync(folder)
      .filter((name) => /\.(js|css)$/.test(name))
      .map((name) => gzipSync(readFileSync(new URL(name, folder))).length);
    expect(bytes.reduce((sum, size) => sum + size)).toBeLessThan(150_000);
    await tab.context.close();
  },
);
