import fc from 'fast-check';
import { beforeAll, expect } from 'vitest';
import { createSseParser } from '../../testkit/http/parse-sse.ts';
import { type Relay, startRelay } from '../../testkit/http/relay.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import { testSeed } from '../../testkit/seed.ts';
import { type Deployment, historyOf, replicaOf, startDeployment } from '../../testkit/server/deployment.ts';
import { createClient } from '../../web/src/client/client.ts';
import { SseParser } from '../../web/src/client/sse.ts';
import type { Told } from '../../web/src/client/turns.ts';
import { promise } from './promises.ts';

let deployment: Deployment;
let proxy: Relay;

beforeAll(async () => {
  [deployment, proxy] = await Promise.all([startDeployment(2), startRelay()]);
  proxy.to(replicaOf(deployment, 0));
});

const clientOf = (place: { readonly url: string }) => createClient({ apiUrl: place.url, key: () => null });

async function all(events: AsyncIterable<Told>): Promise<Told[]> {
  const told: Told[] = [];
  for await (const event of events) told.push(event);
  return told;
}

const textOf = (told: readonly Told[]) =>
  told.map((event) => (event.type === 'delta' ? event.content : '')).join('');

promise(
  'client.sse.any-split',
  'the client of the page reads the same events wherever the bytes are split and however lines end',
  () => {
    const line = fc.constantFrom(
      'data: a',
      'data:',
      'data',
      'id: 1-2',
      'event: delta',
      ': ping',
      'x',
      '',
      '',
    );
    const text = fc
      .array(fc.tuple(line, fc.constantFrom('\n', '\r\n', '\r')), { maxLength: 20 })
      .map((lines) => lines.flat().join(''));
    fc.assert(
      fc.property(text, fc.array(fc.nat(60), { maxLength: 6 }), (whole, cuts) => {
        const parser = new SseParser();
        const places = [0, ...cuts.sort((a, b) => a - b), whole.length];
        const read = places.slice(1).flatMap((to, index) => parser.push(whole.slice(places[index], to)));
        const wanted = createSseParser().push(whole);
        expect(read).toEqual(wanted.map((frame) => ({ ...frame, id: frame.id ?? '' })));
      }),
      { seed: testSeed },
    );
  },
);

promise(
  'client.say.over-cuts',
  'the client of the page yields each event once, in order, over cuts and a change of replica',
  async () => {
    const gates = [deployment.model.gate(), deployment.model.gate()];
    deployment.model.reply(() => [
      { delta: 'a' },
      ...gates.flatMap((gate, index) => [{ wait: gate }, { delta: `b${index}` }]),
    ]);
    const told: Told[] = [];
    const message = { conversationId: 'cuts', message: 'Go', key: 'cuts-1' };
    let opened = 0;
    for await (const event of clientOf(proxy).say(message)) {
      told.push(event);
      if (event.type !== 'delta') continue;
      proxy.to(replicaOf(deployment, (opened + 1) % 2));
      proxy.cut();
      gates[opened]?.open();
      opened += 1;
    }
    expect(textOf(told)).toBe('ab0b1');
    expect(told.map(({ type }) => type)).toEqual(['admitted', 'started', 'delta', 'delta', 'delta', 'done']);
  },
);

promise(
  'client.say.once',
  'a message that the client of the page retries, not knowing that it arrived, is one turn',
  async () => {
    deployment.model.reply(echo);
    const client = clientOf(replicaOf(deployment, 0));
    const message = { conversationId: 'once', message: 'Go', key: 'once-1' };
    const [first, second] = await Promise.all([all(client.say(message)), all(client.say(message))]);
    expect(first).toEqual(second);
    expect(await historyOf(replicaOf(deployment, 1), 'once')).toEqual(['user: Go', 'assistant: echo:Go']);
  },
);

promise(
  'client.say.refused',
  'the client of the page throws the code of a refusal at once, and retries while no server answers',
  async () => {
    const client = clientOf(replicaOf(deployment, 0));
    const waits: (number | null)[] = [];
    const onLink = (retryInMs: number | null) => void waits.push(retryInMs);
    const big = { conversationId: 'big', message: 'x'.repeat(70_000), key: 'big-1', onLink };
    await expect(all(client.say(big))).rejects.toMatchObject({ code: 'too_large', status: 413 });
    await expect(client.messages('never-there', null)).rejects.toMatchObject({ code: 'session_not_found' });
    expect(waits).toEqual([]);
    proxy.down();
    deployment.model.reply(echo);
    const patient = { conversationId: 'patient', message: 'Go', key: 'patient-1' };
    const told = await all(
      clientOf(proxy).say({
        ...patient,
        onLink(retryInMs) {
          onLink(retryInMs);
          if (waits.length === 2) proxy.to(replicaOf(deployment, 0));
        },
      }),
    );
    expect(textOf(told)).toBe('echo:Go');
    expect(waits.slice(0, 2).every((ms) => ms !== null && ms > 0)).toBe(true);
  },
);

promise(
  'client.follow.settled',
  'following a turn after its last event reports it settled, and an unknown turn is an error',
  async () => {
    deployment.model.reply(echo);
    const client = clientOf(replicaOf(deployment, 0));
    const told = await all(client.say({ conversationId: 'settled', message: 'Go', key: 'settled-1' }));
    const admitted = told.find((event) => event.type === 'admitted');
    const done = told.find((event) => event.type === 'done');
    const turn = { conversationId: 'settled', turnId: admitted?.turnId ?? '', lastEventId: done?.id ?? '' };
    expect(await all(client.follow(turn))).toEqual([{ type: 'settled' }]);
    const again = await all(client.follow({ ...turn, lastEventId: '' }));
    expect(textOf(again)).toBe('echo:Go');
    await expect(all(client.follow({ ...turn, turnId: 'never' }))).rejects.toMatchObject({
      code: 'turn_not_found',
    });
  },
);
