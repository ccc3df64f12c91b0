import { beforeAll, expect } from 'vitest';
import { chat } from '../../testkit/http/http.ts';
import type { SseReader } from '../../testkit/http/sse.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import { saidIn } from '../../testkit/server/api.ts';
import { turnIdOf } from '../../testkit/server/deployment.ts';
import { chatUntilAnswered } from '../../testkit/server/patient.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import {
  echoed,
  expectExactly,
  faultOnce,
  type Shaky,
  startShaky,
  twoInLine,
} from '../support/shaky-replica.ts';
import { promise } from './promises.ts';

let place: Shaky;

beforeAll(async () => {
  place = await startShaky();
});

promise(
  'busy.coalesce.lost-reply',
  'a joining message whose reply is lost is sent to the model once',
  async () => {
    for (const fault of ['lose-reply', 'lose-request'] as const) {
      const id = `joins-${fault}`;
      const joins = `${id} joins`;
      const { gate, first, second } = await twoInLine(place, id);
      const metFaults = faultOnce(place, ({ name }) => name === 'join-turn', fault, id);
      const joined = chat(place.shaky, id, joins, { onBusy: 'coalesce' });
      await waitFor(async () => (await messageJoined(id, second)) === joins, {
        what: `${id} to have joined`,
      });
      expect([id, metFaults()]).toEqual([id, 1]);
      place.proxy.onRequest(null);
      gate.open();
      await first.all();
      expect([id, (await second.all(15_000)).at(-1)?.event]).toEqual([id, 'done']);
      expect(await joined).toMatchObject({
        status: 200,
        body: { reply: `echo:${joins}`, turn_id: turnIdOf(second), message_count: 5 },
      });
      await expectExactly(place, id, [...echoed(`${id} first`), `${id} second`, joins, `echo:${joins}`]);
    }
    place.model.reply(echo);
  },
  40_000,
);

promise(
  'busy.coalesce.unsettled',
  'a joining message without any reply is answered once or not at all, as its caller and its key say',
  async () => {
    const onBusy = 'coalesce';
    for (const comesBack of ['never', 'later', 'at once'] as const) {
      const id = `joins-${comesBack.replace(' ', '-')}`;
      const joins = `${id} joins`;
      const { gate, first, second } = await twoInLine(place, id);
      const metFaults = faultOnce(place, ({ name }) => name === 'join-turn', 'swallow-reply', id);
      const refused = await chat(place.shaky, id, joins, { onBusy, idempotencyKey: joins });
      expect([id, refused, metFaults()]).toMatchObject([
        id,
        { status: 503, body: { error: { code: 'commit_unknown', turn_id: turnIdOf(second) } } },
        1,
      ]);
      const again = comesBack === 'at once' ? chatUntilAnswered([place.shaky], id, joins, { onBusy }) : null;
      if (again === null) {
        await waitFor(async () => (await messageJoined(id, second)) !== joins, {
          timeoutMs: 8000,
          what: `${id}: the message to be removed again`,
        });
      }
      gate.open();
      await first.all();
      expect([id, (await second.all(15_000)).at(-1)?.event]).toEqual([id, 'done']);
      place.proxy.onRequest(null);
      if (again !== null) {
        expect((await again).body.reply).toBe(`echo:${joins}`);
        // Together with the second or behind it: either way it ran once.
        const asked = (await saidIn(place.steady, id)).filter((said) => !said.startsWith('echo:'));
        expect(asked).toEqual([`${id} first`, `${id} second`, joins]);
        continue;
      }
      await expectExactly(place, id, echoed(`${id} first`, `${id} second`));
      if (comesBack === 'never') continue;
      expect((await chatUntilAnswered([place.shaky], id, joins, { onBusy })).body.reply).toBe(
        `echo:${joins}`,
      );
      await expectExactly(place, id, echoed(`${id} first`, `${id} second`, joins));
    }
    place.model.reply(echo);
  },
  60_000,
);

function messageJoined(id: string, turn: SseReader): Promise<unknown> {
  return place.redis.ask('HGET', `turnwise:{-/${id}}:turn:${turnIdOf(turn)}`, 'message:1');
}
