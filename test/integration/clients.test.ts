import { beforeAll, beforeEach, expect } from 'vitest';
import { call, chat } from '../../testkit/http/http.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import { getMessages, saidIn } from '../../testkit/server/api.ts';
import {
  type Deployment,
  follow,
  replicaOf,
  say,
  startDeployment,
  turnIdOf,
  turnOf,
} from '../../testkit/server/deployment.ts';
import { heldBytes, INSPECTABLE } from '../../testkit/server/heap.ts';
import type { Replica } from '../../testkit/server/replica.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { promise } from './promises.ts';

let deployment: Deployment;
let replica: Replica;

beforeAll(async () => {
  deployment = await startDeployment(1, { ...INSPECTABLE, MAX_OUTPUT_BYTES: String(10 * 2 ** 20) });
  replica = replicaOf(deployment, 0);
});
beforeEach(() => deployment.model.reply(echo));

async function metric(name: string): Promise<number> {
  const { body } = await call<string>(replica.url, 'GET', '/metrics');
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(body)?.[1]);
}

promise(
  'clients.stalled',
  'stalled readers hold up neither the turn nor others, and cost a socket each, not their backlog',
  async () => {
    const gate = deployment.model.gate();
    // More than the kernel buffers for a client that never reads: 8 MB.
    const [piece, count] = ['x'.repeat(8000), 1000];
    deployment.model.reply((request) =>
      request.messages.at(-1)?.content === 'a lot'
        ? [{ wait: gate }, ...Array.from({ length: count }, () => ({ delta: piece }))]
        : echo(request),
    );
    const first = await say(replica, 'stalled', 'a lot');
    const view = async () => {
      const reader = await follow(replica, 'stalled', turnIdOf(first));
      expect(reader.status).toBe(200);
      await reader.until('started');
      reader.pause();
      return reader;
    };
    first.pause();
    const live = [first, await view()];
    gate.open();
    const waits: number[] = [];
    const isDone = async () => {
      const since = performance.now();
      expect((await chat(replica, `other${waits.length}`, 'hello')).status).toBe(200);
      waits.push(performance.now() - since);
      return (await turnOf(replica, 'stalled', turnIdOf(first))).status === 'completed';
    };
    await waitFor(isDone, { what: 'the turn to end without a reader', timeoutMs: 20_000 });
    const median = waits.toSorted((a, b) => a - b)[Math.floor(waits.length / 2)];
    expect(median).toBeLessThan(1500);

    // Late readers have the longest backlog: all of it at once.
    const before = await heldBytes(replica);
    const late = [];
    while (late.length < 10) late.push(await view());
    expect((await chat(replica, 'other', 'hello')).status).toBe(200);
    expect(await metric('turnwise_open_streams')).toBeGreaterThanOrEqual(late.length);
    // The whole backlog is 8 MB for each of them.
    expect((await heldBytes(replica)) - before).toBeLessThan(late.length * 2 ** 20);
    // A reader that resumes reading gets everything.
    for (const reader of [live[1], late[1]]) {
      reader?.resume();
      await reader?.all(20_000);
      expect(reader?.ended).toBe('terminal');
      expect(reader?.text().length).toBe(piece.length * count);
    }
    for (const reader of [...live, ...late]) reader.destroy();
    await waitFor(async () => (await metric('turnwise_open_streams')) === 0, {
      what: 'the streams to be closed',
    });
  },
  60_000,
);

promise(
  'clients.vanish.continue',
  'a client that vanishes mid-turn, on either route, costs nothing: its turn is answered and stored',
  async () => {
    const gate = deployment.model.gate();
    deployment.model.reply(() => [{ delta: 'begun ' }, { wait: gate }, { delta: 'and ended' }]);
    const leaving = new AbortController();
    const stream = await say(replica, 'vanish-sse', 'hello');
    const json = chat(replica, 'vanish-json', 'hello', { signal: leaving.signal });
    await stream.until('delta');
    await waitFor(async () => (await metric('turnwise_live_turns')) === 2, { what: 'both turns to run' });
    const open = await metric('turnwise_open_streams');
    stream.destroy();
    leaving.abort();
    await expect(json).rejects.toThrow();
    await waitFor(async () => (await metric('turnwise_open_streams')) === open - 1, {
      what: 'the stream to be closed',
    });
    gate.open();
    for (const id of ['vanish-sse', 'vanish-json']) {
      await waitFor(async () => (await saidIn(replica, id)).length === 2, { what: `${id} to be committed` });
      expect(await saidIn(replica, id)).toEqual(['hello', 'begun and ended']);
    }
  },
);

promise(
  'clients.vanish.cancel',
  'with ON_DISCONNECT=cancel the model call ends within a second after the last reader leaves, and its text is kept',
  async () => {
    const cancelling = await deployment.another({ ON_DISCONNECT: 'cancel', KEY_PREFIX: 'cancelling' });
    deployment.model.reply((request) =>
      request.messages.length > 1 ? echo(request) : [{ delta: 'so far' }, { hang: true }],
    );
    const leaveBy = {
      stream: async () => {
        const own = await say(cancelling, 'stream', 'hello');
        const viewer = await follow(cancelling, 'stream', turnIdOf(own));
        await Promise.all([own.until('delta'), viewer.until('delta')]);
        own.destroy();
        // One reader is left.
        await new Promise((resolve) => setTimeout(resolve, 200));
        expect(await turnOf(cancelling, 'stream', turnIdOf(own))).toMatchObject({ status: 'running' });
        viewer.destroy();
      },
      json: async () => {
        const leaving = new AbortController();
        const before = deployment.model.requests.length;
        const answer = chat(cancelling, 'json', 'hello', { signal: leaving.signal });
        await waitFor(() => deployment.model.requests.length > before, { what: 'the model to be asked' });
        // Once the piece is in the log, it has reached the server.
        const pattern = 'cancelling:{-/json}:log:*';
        await waitFor(async () => ((await deployment.redis.ask('KEYS', pattern)) as string[]).length > 0, {
          what: 'the turn to be logged',
        });
        leaving.abort();
        await expect(answer).rejects.toThrow();
      },
    };
    for (const [id, leave] of Object.entries(leaveBy)) {
      await leave();
      const since = performance.now();
      await deployment.model.requests.at(-1)?.whenAborted;
      expect(performance.now() - since).toBeLessThan(1000);
      await waitFor(async () => (await saidIn(cancelling, id)).length === 2, { what: `${id} to be kept` });
      const { messages } = (await getMessages(cancelling, id)).body;
      expect(messages.map(({ role, content, truncated }) => [role, content, truncated])).toEqual([
        ['user', 'hello', undefined],
        ['assistant', 'so far', true],
      ]);
      expect((await chat(cancelling, id, 'go on')).body.message_count).toBe(4);
    }
  },
);

promise(
  'clients.heartbeat',
  'an idle stream sends a comment within sixteen seconds, and no event',
  async () => {
    const gate = deployment.model.gate();
    deployment.model.reply((request) => [{ wait: gate }, ...echo(request)]);
    const stream = await say(replica, 'silent', 'hello');
    await stream.until('started');
    await waitFor(() => stream.comments > 0, { what: 'a comment', timeoutMs: 16_500 });
    expect(stream.events).toHaveLength(1);
    gate.open();
    await stream.all();
    expect(stream.text()).toBe('echo:hello');
  },
);

promise(
  'clients.text-forges-nothing',
  'any model text arrives unchanged, live, replayed, in the JSON reply and in history, and forges no event',
  async () => {
    const pieces = [
      ...[
        'a\nb',
        '\n\n',
        'data: x\n\n',
        'event: done\ndata: {}\n\n',
        '\r',
        '\r\n',
        '\r\r',
        'id: 9-9\n',
        ': comment\n',
      ],
      ...[
        '\u2028\u2029',
        '\uFEFF',
        '\0',
        '\u001b[31m',
        '"\\',
        '\\n',
        '</script>',
        '\u202e',
        'e\u0301',
        '\u0085',
        '\v\f',
      ],
      // A character in two pieces, as sent by models that stream bytes.
      ...['\ud83d', '\udc4b', ' ', '茶'],
      ...'retry: 1\ndata:\n\nevent:error\r\ndata: {"code":"x"}\r\n\r\n',
    ];
    const text = pieces.join('');
    // Half a character is never shown to a reader.
    const told = pieces.flatMap((piece) => (piece === '\ud83d' ? [] : piece === '\udc4b' ? ['👋'] : [piece]));
    deployment.model.reply(() => pieces.map((delta) => ({ delta })));
    const live = await say(replica, 'hostile', 'hello');
    const events = await live.all();
    expect(events.map(({ event }) => event)).toEqual(['started', ...told.map(() => 'delta'), 'done']);
    expect(events.slice(1, -1).map(({ data }) => data.content)).toEqual(told);
    expect(live.text()).toBe(text);
    expect(live.comments).toBe(0);
    const replayed = await follow(replica, 'hostile', turnIdOf(live));
    expect(await replayed.all()).toEqual(events);
    expect((await saidIn(replica, 'hostile')).at(-1)).toBe(text);
    expect((await turnOf(replica, 'hostile', turnIdOf(live))).reply).toBe(text);
    expect((await chat(replica, 'hostile-json', 'hello')).body.reply).toBe(text);
    // And the model gets the user's text unchanged.
    deployment.model.reply(echo);
    const said = text.replace('\ud83d', '👋').replace('\udc4b', '');
    await chat(replica, 'hostile-json', said.toWellFormed());
    expect(
      deployment.model.requests
        .at(-1)
        ?.messages.slice(1)
        .map(({ content }) => content),
    ).toEqual([text, said.toWellFormed()]);
  },
);
