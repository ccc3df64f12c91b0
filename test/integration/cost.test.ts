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
    await redis.ask('CONFIG', 'RESETSTAT');
    const turns = 20;
    for (let turn = 0; turn < turns; turn += 1) await chat(replica, 'cost', 'hello');
    const lines = String(await redis.ask('INFO', 'commandstats')).split('\r\n');
    const calls = new Map(
      lines.flatMap((line) => {
        const [, name = '', count = '0'] = OF_TURNS.exec(line) ?? [];
        return name === '' ? [] : [[name, Number(count) / turns] as const];
      }),
    );
    const all = [...calls.values()].reduce((sum, count) => sum + count, 0);
    console.info(`a turn: ${all} commands: ${JSON.stringify(Object.fromEntries(calls))}`);
    expect(all).toBeLessThanOrEqual(MOST);
  },
);
