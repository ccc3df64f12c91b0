import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { chat } from '../../testkit/http/http.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import { asOneServer, moveSlotOf, startCluster } from '../../testkit/redis/redis-cluster.ts';
import { createRandom } from '../../testkit/seed.ts';
import { saidIn } from '../../testkit/server/api.ts';
import { replicaOf, startDeployment } from '../../testkit/server/deployment.ts';
import { promise } from './promises.ts';

const moves = 12;

promise(
  'cluster.slot-moves',
  'while the slot of a busy session moves between masters no client gets an error, and history stays whole and in order',
  async () => {
    const cluster = await startCluster();
    const store = { redis: asOneServer(cluster), env: { REDIS_CLUSTER: cluster.addresses } };
    const deployment = await startDeployment(2, {}, store);
    deployment.model.reply((request) => {
      const [first = { delta: '' }, ...rest] = echo(request);
      // While their slot moves, some turns are in a model call, others between two scripts.
      return [first, { delayMs: createRandom(deployment.model.requests.length).int(0, 60) }, ...rest];
    });
    let isOver = false;
    /** Turns of one session, one after the other, through both replicas. */
    const talk = async (id: string, speaker: number) => {
      const said: string[] = [];
      while (!isOver) {
        const message = `${speaker} says ${said.length}`;
        const answer = await chat(replicaOf(deployment, (said.length + speaker) % 2), id, message);
        expect([message, answer.status, answer.body]).toMatchObject([
          message,
          200,
          { reply: `echo:${message}` },
        ]);
        said.push(message);
      }
      return said;
    };
    // Three at once on the busy session, so that turns also wait for each other; other slots do not move.
    const hot = Promise.all([0, 1, 2].map((speaker) => talk('hot', speaker)));
    const others = Promise.all([3, 4].map((speaker) => talk(`cool${speaker}`, speaker)));
    const talking = Promise.all([hot, others]);
    const random = createRandom();
    const key = 'turnwise:{-/hot}:meta';
    const owners: number[] = [];
    const moving = (async () => {
      for (let move = 0; move < moves; move += 1) {
        await sleep(random.int(50, 250));
        await moveSlotOf(cluster, key, () => sleep(random.int(0, 20)));
        owners.push((await cluster.ownerOf(key)).port);
      }
    })();
    await Promise.race([moving, talking]);
    await moving;
    isOver = true;
    const [hotSaid] = await talking;
    expect(new Set(owners).size).toBe(3);
    const stored = await saidIn(replicaOf(deployment, 0), 'hot');
    const messages = stored.filter((_, index) => index % 2 === 0);
    expect(stored).toEqual(messages.flatMap((message) => [message, `echo:${message}`]));
    for (const [speaker, said] of hotSaid.entries()) {
      expect(messages.filter((message) => message.startsWith(`${speaker} `))).toEqual(said);
    }
    console.info(`slot moved ${moves} times under ${stored.length / 2} turns of its session`);
  },
  60_000,
);
