import { beforeAll, expect } from 'vitest';
import { chat } from '../../testkit/http/http.ts';
import { keyOf, store } from '../../testkit/redis/stored-session.ts';
import { getMessages, promptFor, saidIn } from '../../testkit/server/api.ts';
import { type Deployment, replicaOf, startDeployment } from '../../testkit/server/deployment.ts';
import type { Replica } from '../../testkit/server/replica.ts';
import { promise } from './promises.ts';

const systemPrompt = 'You are brief. 你好';
let deployment: Deployment;
let replica: Replica;

beforeAll(async () => {
  deployment = await startDeployment(1, {
    CONTEXT_TOKENS: '300',
    SYSTEM_PROMPT: systemPrompt,
    WORKER: 'off',
  });
  replica = replicaOf(deployment, 0);
});

promise(
  'context.window',
  'a prompt is the system prompt, the newest whole turns that fit, and the message; the rest remains stored',
  async () => {
    const turns = Array.from(
      { length: 9 },
      (_, index) => `turn ${index} ${'tea and more '.repeat(5 + index)}`,
    );
    let dropped = 0;
    for (const [index, message] of turns.entries()) {
      expect((await chat(replica, 'window', message)).status).toBe(200);
      const [system, ...rest] = promptFor(deployment.model, message);
      expect(system).toEqual({ role: 'system', content: systemPrompt });
      // A suffix of all turns so far: whole ones, none missing in between.
      const history = turns.slice(0, index).flatMap((said) => [
        { role: 'user', content: said },
        { role: 'assistant', content: `echo:${said}` },
      ]);
      const kept = rest.length - 1;
      expect(kept % 2).toBe(0);
      expect(rest).toEqual([...history.slice(history.length - kept), { role: 'user', content: message }]);
      dropped = history.length - kept;
      // No token is longer than 13 letters here, so the prompt has about 300 tokens, not far fewer.
      if (dropped > 0) expect(JSON.stringify(rest).length).toBeGreaterThan(600);
    }
    expect(dropped).toBeGreaterThan(4);
    expect(promptFor(deployment.model, turns.at(-1) ?? '').length).toBeGreaterThan(2);
    expect(await saidIn(replica, 'window')).toEqual(turns.flatMap((said) => [said, `echo:${said}`]));
  },
);

promise(
  'context.long-history',
  'a turn on a history of ten thousand messages reads only its end',
  async () => {
    await store(deployment.redis, { id: 'vast', messages: 10_000 });
    const sentBytes = async () => {
      const stats = String(await deployment.redis.ask('INFO', 'stats'));
      return Number(/total_net_output_bytes:(\d+)/.exec(stats)?.[1]);
    };
    const all = Number(await deployment.redis.ask('MEMORY', 'USAGE', keyOf({ id: 'vast' }, 'messages')));
    const before = await sentBytes();
    const { body } = await chat(replica, 'vast', 'and now');
    const read = (await sentBytes()) - before;
    expect(body.message_count).toBe(10_002);
    expect(read).toBeLessThan(all / 10);
    const shown = promptFor(deployment.model, 'and now');
    expect(shown.slice(-3)).toEqual([
      { role: 'user', content: 'question 9998' },
      { role: 'assistant', content: 'answer 9999' },
      { role: 'user', content: 'and now' },
    ]);
    expect(shown.length).toBeGreaterThan(10);
    // And a page of messages reads only that page.
    const beforePage = await sentBytes();
    expect((await getMessages(replica, 'vast', 'limit=10')).body.messages).toHaveLength(10);
    expect((await sentBytes()) - beforePage).toBeLessThan(all / 10);
  },
);

promise(
  'context.large-messages',
  'only the needed part of a history of large messages is read, for a prompt or a page, without holding up others',
  async () => {
    await store(deployment.redis, { id: 'large', messages: 400, padding: ' x'.repeat(50_000) });
    const all = 400 * 100_000;
    const sentBytes = async () => {
      const stats = String(await deployment.redis.ask('INFO', 'stats'));
      return Number(/total_net_output_bytes:(\d+)/.exec(stats)?.[1]);
    };
    const before = await sentBytes();
    expect((await chat(replica, 'large', 'and now')).body.message_count).toBe(402);
    expect((await sentBytes()) - before).toBeLessThan(all / 10);
    const { body } = await getMessages(replica, 'large', 'limit=1000');
    expect(body.has_more).toBe(true);
    expect(body.messages.at(-1)?.content).toBe('echo:and now');
    expect(JSON.stringify(body).length).toBeLessThan(6_000_000);
    // Page by page everything is there once.
    let seen = body.messages.length;
    for (let page = body; page.has_more; seen += page.messages.length) {
      page = (await getMessages(replica, 'large', `limit=1000&before=${page.messages[0]?.id}`)).body;
    }
    expect(seen).toBe(402);
  },
);
