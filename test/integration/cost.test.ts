import { expect } from 'vitest';
import { chat } from '../../testkit/http/http.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import { replicaOf, startDeployment, startStore } from '../../testkit/server/deployment.ts';
import { promise } from './promises.ts';

/** What a turn does in Redis; left out is what a replica asks by the clock, whether turns run or not. */
const OF_TURNS =
  /^cmdstat_(?!ping|info|config|hello|client|publish|zrangebyscore|zremrangebyscore|eval\b)(\w+):calls=(\d+)/;

/** Commands of a turn of one piece, in a session with a past and most of its time left (docs/decisions/0018). */
const MOST = 41;

promise(
  'cost.commands',
  'a turn sends no more commands to Redis, and runs no more in scripts, than were counted when it was last made cheaper',
  async () => {
    const store = await startStore();
    const { redis } = store;
    const deployment = await startDeployment(1, { SESSION_TTL_SECONDS: '1800', WORKER: 'off' }, store);
    deployment.model.reply(echo);
    const replica = replicaOf(deployment, 0);
    for (let turn = 0; turn < 3; turn += 1) await chat(replica, 'cost', 'hello');
    // The cheapest of some: on a busy machine a turn may last long enough for a batch of its log.
    let least = Number.POSITIVE_INFINITY;
    for (let turn = 0; turn < 20; turn += 1) {
      await redis.ask('CONFIG', 'RESETSTAT');
      await chat(replica, 'cost', 'hello');
      const lines = String(await redis.ask('INFO', 'commandstats')).split('\r\n');
      least = Math.min(
        least,
        lines.reduce((sum, line) => sum + Number(OF_TURNS.exec(line)?.[2] ?? 0), 0),
      );
    }
    console.info(`a turn: ${least} commands`);
    expect(least).toBeGreaterThan(20);
    expect(least).toBeLessThanOrEqual(MOST);
  },
);
