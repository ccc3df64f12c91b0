import { type RedisServer, startRedis } from './redis.ts';
import { waitFor } from './wait-for.ts';

const slots = 16_384;
const masters = 3;

export interface RedisCluster {
  readonly nodes: readonly RedisServer[];
  /** `host:port,…`, as REDIS_CLUSTER takes it. */
  readonly addresses: string;
  stop(): Promise<void>;
}

/** Starts a Cluster of three masters; ready after about two seconds, which Redis itself takes. */
export async function startCluster(): Promise<RedisCluster> {
  const args = ['--cluster-enabled', 'yes', '--cluster-config-file', 'nodes.conf'];
  const nodes = await Promise.all(
    Array.from({ length: masters }, () => startRedis({ args: [...args, '--cluster-node-timeout', '1000'] })),
  );
  const firstSlot = (index: number) => Math.floor((slots * index) / masters);
  await Promise.all(
    nodes.map(async (node, index) => {
      await node.ask('CLUSTER', 'ADDSLOTSRANGE', firstSlot(index), firstSlot(index + 1) - 1);
      await node.ask('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
    }),
  );
  const [first, ...others] = nodes;
  for (const node of others) await first?.ask('CLUSTER', 'MEET', '127.0.0.1', node.port);

  // A node says ok of the part it knows, so the number it knows counts too.
  const knowsAll = async (node: RedisServer) => {
    const info = String(await node.ask('CLUSTER', 'INFO'));
    return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${masters}`);
  };
  await waitFor(async () => (await Promise.all(nodes.map(knowsAll))).every(Boolean), {
    timeoutMs: 15_000,
    what: 'three cluster nodes to know each other',
  });
  return {
    nodes,
    addresses: nodes.map((node) => `127.0.0.1:${node.port}`).join(','),
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()));
    },
  };
}
