import { beforeAll, expect } from 'vitest';
import { saidIn } from '../support/api.ts';
import { turnIdOf } from '../support/deployment.ts';
import { chat } from '../support/http.ts';
import { chatUntilTold } from '../support/patient.ts';
import { promise } from '../support/promise.ts';
import { echo } from '../support/scripted-model.ts';
import {
  echoed,
  expectExactly,
  faultOnce,
  type Shaky,
  startShaky,
  twoInLine,
} from '../support/shaky-replica.ts';
import type { SseReader } from '../support/sse.ts';
import { waitFor } from '../support/wait-for.ts';

let place: Shaky;

beforeAll(async () => {
  place = await startShaky();
});

promise(
  'busy.coalesce.lost-reply',
  'a joining message whose reply is lost is asked once',
  async () => {
    for (const fault of ['lose-reply', 'lose-command'] as const) {
      const id = `joins-${fault}`;
      const joins = `${id} joins`;
      const { gate, first, second } = await twoInLine(place, id);
      const metFaults = faultOnce(place, ({ script }) => script === 'join-turn', fault, id);
      const joined = chat(place.shaky, id, joins, { onBusy: 'coalesce' });
      await waitFor(async () => (await messageJoined(id, second)) === joins, {
        what: `${id} to have joined`,
      });
      expect([id, metFaults()]).toEqual([id, 1]);
      place.proxy.onCommand(null);
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
  'a joining message of which nothing is heard is asked once or not at all: as its caller is told, under its key too',
  async () => {
    const onBusy = 'coalesce';
    for (const comesBack of ['never', 'later', 'at once'] as const) {
      const id = `joins-${comesBack.replace(' ', '-')}`;
      const joins = `${id} joins`;
      const { gate, first, second } = await twoInLine(place, id);
      const metFaults = faultOnce(place, ({ script }) => script === 'join-turn', 'swallow-reply', id);
      const refused = await chat(place.shaky, id, joins, { onBusy, idempotencyKey: joins });
      expect([id, refused, metFaults()]).toMatchObject([
        id,
        { status: 503, body: { error: { code: 'commit_unknown', turn_id: turnIdOf(second) } } },
        1,
      ]);
      const again = comesBack === 'at once' ? chatUntilTold([place.shaky], id, joins, { onBusy }) : null;
      if (again === null) {
        await waitFor(async () => (await messageJoined(id, second)) !== joins, {
          timeoutMs: 8000,
          what: `${id}: the message to be taken out again`,
        });
      }
      gate.open();
      await first.all();
      expect([id, (await second.all(15_000)).at(-1)?.event]).toEqual([id, 'done']);
      place.proxy.onCommand(null);
      if (again !== null) {
        expect((await again).body.reply).toBe(`echo:${joins}`);
        // Together with the second or behind it: either is once.
        const asked = (await saidIn(place.steady, id)).filter((said) => !said.startsWith('echo:'));
        expect(asked).toEqual([`${id} first`, `${id} second`, joins]);
        continue;
      }
      await expectExactly(place, id, echoed(`${id} first`, `${id} second`));
      if (comesBack === 'never') continue;
      expect((await chatUntilTold([place.shaky], id, joins, { onBusy })).body.reply).toBe(`echo:${joins}`);
      await expectExactly(place, id, echoed(`${id} first`, `${id} second`, joins));
    }
    place.model.reply(echo);
  },
  60_000,
);

function messageJoined(id: string, turn: SseReader): Promise<unknown> {
  return place.redis.ask('HGET', `turnwise:{-/${id}}:turn:${turnIdOf(turn)}`, 'message:1');
}
