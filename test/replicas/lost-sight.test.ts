import { beforeAll, expect } from 'vitest';
import { chat } from '../../testkit/http/http.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import { getSession, saidIn } from '../../testkit/server/api.ts';
import { follow, say, turnIdOf } from '../../testkit/server/deployment.ts';
import { chatUntilAnswered } from '../../testkit/server/patient.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { expectExactly, lastSaid, type Shaky, startShaky } from '../support/shaky-replica.ts';
import { promise } from './promises.ts';

let place: Shaky;

beforeAll(async () => {
  place = await startShaky();
});

promise(
  'outage.reader-cut',
  'readers whose replica loses Redis are cut after half a minute, a JSON request gets the ids, and both resume elsewhere',
  async () => {
    const { model, proxy, shaky, steady } = place;
    const gate = model.gate();
    model.reply((request) =>
      lastSaid(request) === 'held' ? [{ delta: 'first ' }, { wait: gate }, { delta: 'last' }] : echo(request),
    );
    const asked = { idempotencyKey: 'key' };
    const own = await say(steady, 'watched', 'held', asked);
    await own.until('delta');
    let watching = 0;
    proxy.onRequest(({ name }) => {
      if (name === 'watch-turn') watching += 1;
      return undefined;
    });
    const reader = await follow(shaky, 'watched', turnIdOf(own));
    await reader.until('delta');
    const json = chat(shaky, 'watched', 'held', { ...asked, timeoutMs: 60_000 });
    await waitFor(() => watching === 2, { what: 'both to read the log' });
    proxy.onRequest(null);
    proxy.refuse();
    const lostAt = performance.now();
    gate.open();
    await reader.all(45_000);
    expect(reader.ended).toBe('cut');
    const { status, body } = await json;
    expect(status).toBe(503);
    expect(body.error).toMatchObject({
      code: 'commit_unknown',
      turn_id: turnIdOf(own),
      stream_url: `/api/sessions/watched/turns/${turnIdOf(own)}/stream`,
    });
    console.info(`reader cut after ${((performance.now() - lostAt) / 1000).toFixed(1)} s`);
    const resumed = await follow(steady, 'watched', turnIdOf(own), reader.events.at(-1)?.id);
    expect((await resumed.all()).map(({ event }) => event)).toEqual(['delta', 'done']);
    expect(resumed.text()).toBe('last');
    model.reply(echo);
    proxy.heal();
    expect((await chatUntilAnswered([shaky], 'watched', 'after')).body.message_count).toBe(4);
  },
  80_000,
);

promise(
  'outage.commit-unknown',
  'a turn that cannot learn whether it was stored ends as commit_unknown, never as done; its key gives the result later',
  async () => {
    const { model, proxy, shaky, steady } = place;
    // One commit arrives but its reply is lost, the other never arrives. Then the connection stays refused.
    const ids = ['stored', 'not-stored'];
    const asked = { idempotencyKey: 'key' };
    const gate = model.gate();
    let held = 3;
    model.reply((request) => {
      held -= 1;
      return held < 0 ? echo(request) : [{ delta: 'said ' }, { wait: gate }, { delta: 'all' }];
    });
    const streams = await Promise.all(ids.map((id) => say(shaky, id, 'what then', asked)));
    const json = chat(shaky, 'stored-json', 'what then', { ...asked, timeoutMs: 60_000 });
    for (const stream of streams) await stream.until('delta');
    await waitFor(() => held === 0, { what: 'three calls of the model' });
    const [sent, beaten] = [new Set<string>(), new Set<string>()];
    proxy.onRequest(({ name, keys, words }) => {
      const session = keys[0] ?? '';
      if (name === 'beat-turn' && sent.has(session)) beaten.add(session);
      if (name !== 'end-turn') return undefined;
      sent.add(session);
      return words.includes('-/not-stored') ? 'lose-request' : 'lose-reply';
    });
    gate.open();
    for (const id of ['stored', 'stored-json']) {
      await waitFor(async () => (await saidIn(steady, id)).length === 2, { what: `${id} to be stored` });
    }
    expect(await saidIn(steady, 'not-stored')).toEqual([]);
    // A beat that finds the turn ended must not conclude that another replica has it.
    const isBeaten = (id: string) => beaten.has(`turnwise:{-/${id}}:meta`);
    await waitFor(() => isBeaten('stored') && isBeaten('stored-json'), {
      what: 'a beat of each stored turn',
    });
    proxy.refuse();
    const closedAt = performance.now();
    for (const stream of streams) {
      const last = (await stream.all(45_000)).at(-1);
      expect(last).toMatchObject({ event: 'error', data: { code: 'commit_unknown', retryable: true } });
    }
    console.info(`commit_unknown after ${((performance.now() - closedAt) / 1000).toFixed(1)} s`);
    expect(await json).toMatchObject({ status: 503, body: { error: { code: 'commit_unknown' } } });
    for (const [id, reply] of [
      ['stored', 'said all'],
      ['stored-json', 'said all'],
      // Its replica could not commit, so another one ran it again.
      ['not-stored', 'echo:what then'],
    ] as const) {
      const told = await chat(steady, id, 'what then', asked);
      expect(told).toMatchObject({ status: 200, body: { reply, message_count: 2 } });
      await expectExactly(place, id, ['what then', reply]);
    }
    proxy.onRequest(null);
    proxy.heal();
    expect((await chatUntilAnswered([shaky], 'stored', 'after')).body.message_count).toBe(4);
    expect((await getSession(steady, 'not-stored')).body.message_count).toBe(2);
  },
  80_000,
);
