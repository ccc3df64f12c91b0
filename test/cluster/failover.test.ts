import { expect } from 'vitest';
import { chat } from '../../testkit/http/http.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import { asOneServer, type RedisCluster, startCluster } from '../../testkit/redis/redis-cluster.ts';
import { historyOf, replicaOf, say, startDeployment } from '../../testkit/server/deployment.ts';
import { timed } from '../../testkit/server/patient.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { echoed, lastSaid } from '../support/shaky-replica.ts';
import { promise } from './promises.ts';

const RUNNING = 'turnwise:running';

promise(
  'cluster.failover',
  'when a Cluster master dies and its replica takes over, callers get 503 in time, a running turn is answered, other sessions are unaffected, and the fence does not fall',
  async () => {
    const cluster = await startCluster({
      args: ['--cluster-require-full-coverage', 'no'],
      withReplicas: true,
    });
    const store = { redis: asOneServer(cluster), env: { REDIS_CLUSTER: cluster.addresses } };
    const deployment = await startDeployment(2, {}, store);
    const [a, b] = [replicaOf(deployment, 0), replicaOf(deployment, 1)];
    const running = await cluster.ownerOf(RUNNING);
    // The master of the session alone; then, in what is left, that of the list of live turns.
    const [hit, elsewhere] = [
      await idOwnedBy(cluster, (owner) => owner !== running),
      await idOwnedBy(cluster, (owner) => owner === running),
    ];
    for (const victimOf of [metaOf(hit), RUNNING]) {
      const round = victimOf === RUNNING ? 'second' : 'first';
      const gate = deployment.model.gate();
      deployment.model.reply((request) =>
        lastSaid(request).startsWith('held') ? [{ wait: gate }, ...echo(request)] : echo(request),
      );
      const stays = victimOf === RUNNING ? hit : elsewhere;
      const goes = victimOf === RUNNING ? elsewhere : hit;
      for (const id of [stays, goes]) expect((await chat(a, id, `before ${round}`)).status).toBe(200);
      const held = await say(a, goes, `held ${round}`);
      await gate.reached;
      const [victim, fence] = [await cluster.ownerOf(victimOf), await fenceOf(cluster, goes)];
      // Replication is asynchronous: writes that it had not replicated would be lost with it.
      await waitFor(() => isReplicated(cluster, victim.port), { what: 'the replica to be in sync' });
      await victim.kill();
      const refused = await timed(chat(b, goes, `refused ${round}`, { timeoutMs: 20_000 }));
      expect([round, refused.status]).toEqual([round, 503]);
      expect(refused.ms).toBeLessThan(1000);
      // Its commit finds no master, and waits for the new one.
      gate.open();
      const askedAt = performance.now();
      for (const replica of [a, b]) {
        await waitFor(async () => (await chat(replica, stays, `${round} again`)).status === 200, {
          timeoutMs: 20_000,
          what: `${round}: turns of the other session to be answered again`,
        });
      }
      expect([round, (await held.all(30_000)).at(-1)?.event]).toEqual([round, 'done']);
      for (const replica of [a, b]) {
        await waitFor(async () => (await chat(replica, goes, `${round} after`)).status === 200, {
          timeoutMs: 20_000,
          what: `${round}: the session to be back`,
        });
      }
      console.info(`${round}: back after ${((performance.now() - askedAt) / 1000).toFixed(1)} s`);
      expect(await fenceOf(cluster, goes)).toBeGreaterThan(fence);
      expect(await cluster.ownerOf(victimOf)).not.toBe(victim);
    }
    for (const id of [hit, elsewhere]) {
      const told = (await historyOf(a, id)).map((line) => line.replace(/^(user|assistant): /, ''));
      const asked = told.filter((_, at) => at % 2 === 0);
      expect(told).toEqual(echoed(...asked));
      expect(asked.filter((text) => text.startsWith('refused'))).toEqual([]);
      expect(await historyOf(b, id)).toEqual(await historyOf(a, id));
    }
    expect((await historyOf(a, hit)).filter((line) => line.startsWith('user: held'))).toEqual([
      'user: held first',
    ]);
  },
  120_000,
);

function metaOf(id: string): string {
  return `turnwise:{-/${id}}:meta`;
}

async function idOwnedBy(
  cluster: RedisCluster,
  fits: (owner: RedisCluster['nodes'][number]) => boolean,
): Promise<string> {
  for (let tries = 0; ; tries += 1) {
    const id = `failover-${tries}`;
    if (fits(await cluster.ownerOf(metaOf(id)))) return id;
  }
}

async function fenceOf(cluster: RedisCluster, id: string): Promise<number> {
  return Number(await (await cluster.ownerOf(metaOf(id))).ask('HGET', metaOf(id), 'fence'));
}

/** Whether the replica of a master has all its writes. */
async function isReplicated({ nodes }: RedisCluster, port: number): Promise<boolean> {
  const info = String(await nodes.find((node) => node.port === port)?.ask('INFO', 'replication'));
  const offset = /master_repl_offset:(\d+)/.exec(info)?.[1];
  return info.includes(`offset=${offset},`);
}
