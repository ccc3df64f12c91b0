import { beforeAll, expect } from 'vitest';
import { chat } from '../../testkit/http/http.ts';
import { createRandom } from '../../testkit/seed.ts';
import {
  deleteSession,
  getMessages,
  getSession,
  listSessions,
  promptFor,
  saidIn,
} from '../../testkit/server/api.ts';
import { type Deployment, replicaOf, startDeployment } from '../../testkit/server/deployment.ts';
import type { Replica } from '../../testkit/server/replica.ts';
import { promise } from './promises.ts';

let deployment: Deployment;

beforeAll(async () => {
  deployment = await startDeployment(3);
});

/** The replica at an index, modulo their number. */
const at = (place: number) => replicaOf(deployment, place % 3);

/** The prompt to expect: the committed history as the API returns it, and the new message. */
async function expectedPrompt(replica: Replica, conversationId: string, message: string) {
  const { messages } = (await getMessages(replica, conversationId)).body;
  return [...messages.map(({ role, content }) => ({ role, content })), { role: 'user', content: message }];
}

promise(
  'isolation.replica.same-history',
  'a replica that never saw a session sends the model exactly the history stored by another replica',
  async () => {
    const [first, second, third] = [at(0), at(1), at(2)];
    for (const message of ['we drink tea', 'two\nlines', '茶 👋 \u2028 end']) {
      expect((await chat(first, 'carried', message)).status).toBe(200);
    }
    for (const replica of [second, third, first, second]) {
      const message = `carried to ${replica.port} with ${deployment.model.requests.length}`;
      const expected = await expectedPrompt(first, 'carried', message);
      const { body } = await chat(replica, 'carried', message);
      expect(promptFor(deployment.model, message)).toEqual(expected);
      expect(body.message_count).toBe(expected.length + 1);
    }
    expect((await saidIn(third, 'carried')).slice(0, 6)).toEqual([
      'we drink tea',
      'echo:we drink tea',
      'two\nlines',
      'echo:two\nlines',
      '茶 👋 \u2028 end',
      'echo:茶 👋 \u2028 end',
    ]);
  },
);

promise(
  'isolation.replica.killed',
  'history stored by a replica is whole on the others after that replica was killed',
  async () => {
    const doomed = await deployment.another();
    await chat(doomed, 'survivor', 'first');
    const { body } = await chat(doomed, 'survivor', 'second');
    expect(body.message_count).toBe(4);
    await doomed.kill();
    await chat(at(1), 'survivor', 'after the kill');
    expect(promptFor(deployment.model, 'after the kill')).toEqual([
      { role: 'user', content: 'first' },
      { role: 'assistant', content: 'echo:first' },
      { role: 'user', content: 'second' },
      { role: 'assistant', content: 'echo:second' },
      { role: 'user', content: 'after the kill' },
    ]);
  },
);

promise(
  'isolation.sessions.two',
  'two sessions that alternate over all replicas never share a word',
  async () => {
    for (let round = 0; round < 8; round += 1) {
      await Promise.all(
        ['test_1', 'test_2'].map((id, index) => chat(at(round + index), id, `${id} says number ${round}`)),
      );
    }
    for (const [id, other] of [
      ['test_1', 'test_2'],
      ['test_2', 'test_1'],
    ] as const) {
      const own = deployment.model.requests.filter(({ messages }) => messages.at(-1)?.content.startsWith(id));
      expect(own.map(({ messages }) => messages.length)).toEqual([1, 3, 5, 7, 9, 11, 13, 15]);
      expect(JSON.stringify(own.map(({ messages }) => messages))).not.toContain(other);
      const said = await saidIn(at(0), id);
      expect(said).toHaveLength(16);
      expect(said.join()).not.toContain(other);
    }
  },
);

promise(
  'isolation.sessions.thirty',
  'thirty parallel sessions on random replicas each get prompts with their own history only',
  async () => {
    const random = createRandom();
    const turns = 5;
    await Promise.all(
      Array.from({ length: 30 }, async (_, index) => {
        const id = `par${index}`;
        const expected: { role: string; content: string }[] = [];
        for (let turn = 0; turn < turns; turn += 1) {
          const message = `${id}:${turn}`;
          const { body } = await chat(at(random.int(0, 2)), id, message);
          expect(body).toMatchObject({ session_id: id, reply: `echo:${message}` });
          expected.push({ role: 'user', content: message });
          expect(promptFor(deployment.model, message)).toEqual(expected);
          expected.push({ role: 'assistant', content: body.reply });
        }
        expect(await saidIn(at(index), id)).toEqual(expected.map(({ content }) => content));
      }),
    );
  },
);

promise(
  'isolation.cache.same-bytes',
  'the model gets the same bytes whether replicas cache histories or not',
  async () => {
    const bare = { HISTORY_CACHE_BYTES: '0' };
    const uncached = await deployment.another(bare);
    const cached = [at(0), at(1)];
    const bodies = async (replicas: readonly Replica[], id: string) => {
      const before = deployment.model.requests.length;
      // Many turns on one replica, changes of replica, and a session deleted in between.
      for (const [index, place] of [0, 0, 1, 0, 1, 1, 0, 0, 1].entries()) {
        const replica = replicas[place] as Replica;
        if (index === 6) expect((await deleteSession(replica, id)).status).toBe(200);
        expect((await chat(replica, id, `number ${index} "quoted" \\ 茶\u2028👋`)).status).toBe(200);
      }
      return deployment.model.requests
        .slice(before)
        .map(({ body, headers }) => `${headers['content-length']} ${JSON.stringify(body)}`);
    };
    const withCache = await bodies(cached, 'bytes-cached');
    expect(withCache).toHaveLength(9);
    expect(withCache).toEqual(await bodies([uncached, uncached], 'bytes-bare'));
    // Later prompts do contain a history.
    expect(withCache[5]).toContain('number 4');
    expect(withCache[8]).not.toContain('number 5');
  },
);

promise(
  'isolation.delete.knows-nothing',
  'a session created again under a deleted id knows nothing of the old one, on any replica',
  async () => {
    for (const index of [1, 0, 2]) await chat(at(index), 'reborn', `old ${index}`);
    const deleted = await deleteSession(at(2), 'reborn');
    expect(deleted.status).toBe(200);
    expect((await getSession(at(0), 'reborn')).status).toBe(404);
    const { body } = await chat(at(0), 'reborn', 'who am I');
    expect(body.message_count).toBe(2);
    expect(promptFor(deployment.model, 'who am I')).toEqual([{ role: 'user', content: 'who am I' }]);
    // This replica caches the old history, which had the same length when it last looked.
    await chat(at(1), 'reborn', 'and now');
    expect(JSON.stringify(promptFor(deployment.model, 'and now'))).not.toContain('old');
    expect(await saidIn(at(2), 'reborn')).toEqual(['who am I', 'echo:who am I', 'and now', 'echo:and now']);
  },
);

promise(
  'isolation.prefix.two-deployments',
  'two deployments with different key prefixes on one Redis do not see each other',
  async () => {
    const other = await deployment.another({ KEY_PREFIX: 'other.one' });
    await chat(at(0), 'shared-id', 'said to the first');
    expect((await listSessions(other)).body).toEqual({ sessions: [], total: 0, next_cursor: null });
    expect((await getSession(other, 'shared-id')).status).toBe(404);
    await chat(other, 'shared-id', 'said to the second');
    expect(promptFor(deployment.model, 'said to the second')).toHaveLength(1);
    expect((await listSessions(other)).body.total).toBe(1);
    expect((await deleteSession(other, 'shared-id')).status).toBe(200);
    expect(await saidIn(at(1), 'shared-id')).toEqual(['said to the first', 'echo:said to the first']);
  },
);
