import { afterAll, beforeAll, expect } from 'vitest';
import { call } from '../../testkit/http/http.ts';
import type { SseEvent } from '../../testkit/http/sse.ts';
import { textDeltas } from '../../testkit/model/scripted-model.ts';
import {
  type Deployment,
  follow,
  replicaOf,
  say,
  startDeployment,
  turnIdOf,
} from '../../testkit/server/deployment.ts';
import { promise } from './promises.ts';

let deployment: Deployment;

beforeAll(async () => {
  deployment = await startDeployment(2);
});
afterAll(() => deployment.model.close());

const TEXT = Array.from({ length: 120 }, (_, index) => `word${index} `).join('');

function rendered(events: readonly SseEvent[]): string[] {
  return events.map((event) => `${event.id} ${event.event} ${JSON.stringify(event.data)}`);
}

promise(
  'resume.every-place',
  'resuming after any event of a turn, on any replica, gives exactly the events after it',
  async () => {
    deployment.model.reply(() => textDeltas(TEXT, 5));
    const own = await say(replicaOf(deployment, 0), 'resume', 'hello');
    const all = await own.all();
    expect(own.text()).toBe(TEXT);
    for (const [index, event] of all.entries()) {
      const reader = await follow(replicaOf(deployment, index % 2), 'resume', turnIdOf(own), event.id);
      if (index === all.length - 1) {
        expect(reader.status).toBe(204);
        continue;
      }
      expect(rendered(await reader.all())).toEqual(rendered(all.slice(index + 1)));
    }
    const whole = await follow(replicaOf(deployment, 1), 'resume', turnIdOf(own));
    expect(rendered(await whole.all())).toEqual(rendered(all));
  },
);

promise(
  'resume.nothing-left',
  'a reader that has the last event of a turn, or names a place after it, gets 204, with or without its log',
  async () => {
    deployment.model.reply(() => textDeltas(TEXT, 5));
    const [a, b] = [replicaOf(deployment, 0), replicaOf(deployment, 1)];
    const own = await say(a, 'nothing-left', 'hello');
    const turnId = turnIdOf(own);
    const last = (await own.all()).at(-1)?.id ?? '';
    const statusAt = async (id: string) => (await follow(b, 'nothing-left', turnId, id)).status;
    const [fence = ''] = last.split('-');
    const places = [last, `${fence}-999`, '9000000000000000-1'];
    expect(await Promise.all(places.map(statusAt))).toEqual([204, 204, 204]);
    await deployment.redis.ask('DEL', `turnwise:{-/nothing-left}:log:${turnId}`);
    const again = await (await follow(a, 'nothing-left', turnId)).all();
    expect(again.map(({ event }) => event)).toEqual(['restarted', 'delta', 'done']);
    for (const [index, { id = '' }] of again.slice(0, -1).entries()) {
      const rest = await (await follow(b, 'nothing-left', turnId, id)).all();
      expect(rendered(rest)).toEqual(rendered(again.slice(index + 1)));
    }
    expect(await statusAt(again.at(-1)?.id ?? '')).toBe(204);
    // The log has no terminal event: the reader gets the end from the record.
    expect(await statusAt(`${fence}-3`)).toBe(200);
  },
);

promise(
  'resume.live-many-viewers',
  'readers that join while a turn runs, on any replica, see the same whole turn, each event once',
  async () => {
    const gates = [deployment.model.gate(), deployment.model.gate(), deployment.model.gate()];
    const pieces = textDeltas(TEXT, 20);
    deployment.model.reply(() =>
      pieces.flatMap((piece, index) => {
        const gate = index % 10 === 9 ? gates[(index - 9) / 10] : undefined;
        return gate === undefined ? [piece] : [piece, { wait: gate }];
      }),
    );
    const own = await say(replicaOf(deployment, 0), 'viewers', 'hello');
    const viewers = [];
    for (const gate of gates) {
      await gate.reached;
      for (const index of [0, 1]) {
        viewers.push(await follow(replicaOf(deployment, index), 'viewers', turnIdOf(own)));
        const from = own.events.at(-1)?.id;
        if (from !== undefined)
          viewers.push(await follow(replicaOf(deployment, index), 'viewers', turnIdOf(own), from));
      }
      gate.open();
    }
    const all = rendered(await own.all());
    for (const viewer of viewers) {
      const seen = rendered(await viewer.all());
      expect(seen).toEqual(all.slice(all.length - seen.length));
      expect(viewer.ended).toBe('terminal');
    }
    expect(viewers.filter((viewer) => viewer.events.length === all.length).length).toBeGreaterThanOrEqual(6);
  },
);

promise('resume.refusals', 'a missing turn is 404, an invalid event id is 400', async () => {
  deployment.model.reply(() => textDeltas('short'));
  const own = await say(replicaOf(deployment, 0), 'refusals', 'hello');
  await own.all();
  const turn = turnIdOf(own);
  const b = replicaOf(deployment, 1);
  expect((await follow(b, 'refusals', 'tnone')).status).toBe(404);
  expect((await follow(b, 'another-session', turn)).status).toBe(404);
  for (const bad of ['x', '-1-1', '1', '1-', '99999999999999999999-1', '1-2-3', '1-1; x']) {
    const answer = await follow(b, 'refusals', turn, bad);
    expect([bad, answer.status]).toEqual([bad, 400]);
    expect(await answer.json()).toMatchObject({ error: { code: 'invalid_request' } });
  }
  const path = `/api/sessions/refusals/turns/${turn}`;
  expect((await call(b.url, 'GET', path)).body).toMatchObject({ status: 'completed', reply: 'short' });
});
