import { beforeAll, expect } from 'vitest';
import { call } from '../../testkit/http/http.ts';
import { replicaOf } from '../../testkit/server/deployment.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { type Chat, holds, startChat } from '../support/chat.ts';
import { promise } from './promises.ts';

let chat: Chat;

beforeAll(async () => {
  chat = await startChat(1);
});

/** A picture of one pixel. */
const PICTURE =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC';

promise(
  'page.parts',
  'a message of more than text shows the pictures that it holds, names its other images and files, and asks nobody for them',
  async () => {
    const message = [
      { type: 'text', text: 'What is ' },
      { type: 'image', image_url: PICTURE },
      { type: 'text', text: 'this?' },
      { type: 'image', image_url: 'https://pictures.invalid/cat.png' },
      { type: 'file', file_url: 'https://files.invalid/a.pdf', filename: 'paper.pdf' },
      { type: 'file', file_data: 'data:text/plain;base64,eA==', filename: '<b>notes</b>.txt' },
    ];
    chat.model.reply(() => [{ delta: 'A cat.' }]);
    await call(replicaOf(chat, 0).url, 'POST', '/api/chat', { message, conversation_id: 'parts' });
    await call(replicaOf(chat, 0).url, 'POST', '/api/chat', {
      message: [{ type: 'image', image_url: PICTURE }],
      conversation_id: 'parts',
    });
    const tab = await chat.open();
    await tab.page.goto(`${chat.url}/#/c/parts`);
    await holds(tab.answer, 'A cat.');
    const [first, second] = await tab.page.locator('.said').all();
    expect(await first?.locator('.bubble').innerText()).toBe('What is this?');
    expect(await first?.locator('.attached li').allInnerTexts()).toEqual([
      '',
      'Image · pictures.invalid',
      'paper.pdf · files.invalid',
      '<b>notes</b>.txt',
    ]);
    expect(await second?.locator('.bubble').count()).toBe(0);
    const pictures = tab.page.locator('.said .attached img');
    expect(await pictures.count()).toBe(2);
    for (const picture of await pictures.all()) expect(await picture.getAttribute('alt')).toBe('Image');
    const widths = "[...document.querySelectorAll('.said .attached img')].map((image) => image.naturalWidth)";
    const areDrawn = async () => String(await tab.page.evaluate(widths)) === '1,1';
    await waitFor(areDrawn, { what: 'both pictures are drawn' });
    expect(tab.requests.filter(({ url }) => url.includes('.invalid'))).toEqual([]);
    expect(tab.complaints).toEqual([]);
    await tab.context.close();
  },
);

promise(
  'page.parts.tools',
  'the calls of tools in a history, and what those replied, stand folded',
  async () => {
    chat.model.reply(() => [{ delta: 'Sunny.' }]);
    await call(replicaOf(chat, 0).url, 'POST', '/api/chat', {
      message: 'Weather?',
      conversation_id: 'tools',
    });
    const key = 'turnwise:{-/tools}:messages';
    const [said = '', answer = ''] = (await chat.redis.ask('LRANGE', key, 0, -1)) as string[];
    // No tool can be called yet: an operator puts it into the history.
    const stored = (n: number, role: string, part: object) => {
      const message = { ...JSON.parse(answer), id: JSON.parse(answer).id.replace(/-\d+$/, `-${n}`), role };
      return JSON.stringify({ ...message, content: '', parts: [part] });
    };
    const [callId, last] = [{ call_id: 'c1' }, JSON.parse(answer)];
    await chat.redis.ask('DEL', key);
    await chat.redis.ask(
      ...(['RPUSH', key, said] as const),
      stored(2, 'assistant', {
        type: 'function_call',
        ...callId,
        name: 'weather',
        arguments: '{"at":"Oslo"}',
      }),
      stored(3, 'tool', { type: 'function_result', ...callId, output: '21 degrees' }),
      JSON.stringify({ ...last, id: last.id.replace(/-\d+$/, '-4') }),
    );
    const tab = await chat.open();
    await tab.page.goto(`${chat.url}/#/c/tools`);
    await holds(tab.answer, 'Sunny.');
    const folds = tab.page.locator('details');
    expect(await folds.allInnerTexts()).toEqual(['Tool called: weather', 'What the tool replied']);
    for (const fold of await folds.all()) await fold.locator('summary').click();
    await holds(folds.first(), '{"at":"Oslo"}');
    await holds(folds.last(), '21 degrees');
    await tab.context.close();
  },
);
