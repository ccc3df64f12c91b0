import { Redis } from 'ioredis';
import { waitFor } from '../wait-for.ts';
import { askRedis, type RedisOptions, type RedisServer, startRedis } from './redis.ts';

const slots = 16_384;
const masters = 3;

/** First and last slot, and the address of their master. */
type SlotRange = readonly [number, number, readonly [string, number]];

export interface RedisCluster {
  readonly nodes: readonly RedisServer[];
  /** `host:port,…`, as REDIS_CLUSTER takes it. */
  readonly addresses: string;
  /** The node that has the slot of a key now. */
  ownerOf(key: string): Promise<RedisServer>;
  stop(): Promise<void>;
}

export interface ClusterOptions extends Pick<RedisOptions, 'args'> {
  /** One for each master, ready to be promoted. */
  readonly withReplicas?: boolean;
}

/** Starts a Cluster of three masters, each with extra arguments; ready after about two seconds. */
export async function startCluster(options: ClusterOptions = {}): Promise<RedisCluster> {
  const args = [...(options.args ?? []), '--cluster-enabled', 'yes', '--cluster-config-file', 'nodes.conf'];
  const startNodes = () =>
    Promise.all(
      Array.from({ length: masters }, () =>
        startRedis({ args: [...args, '--cluster-node-timeout', '1000'] }),
      ),
    );
  const nodes = await startNodes();
  const firstSlot = (index: number) => Math.floor((slots * index) / masters);
  await Promise.all(
    nodes.map(async (node, index) => {
      await node.ask('CLUSTER', 'ADDSLOTSRANGE', firstSlot(index), firstSlot(index + 1) - 1);
      await node.ask('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
    }),
  );
  const [first, ...others] = nodes;
  for (const node of others) await first?.ask('CLUSTER', 'MEET', '127.0.0.1', node.port);

  // A node reports ok for the part it knows, so the number of known nodes is checked too.
  const knowsAll = async (node: RedisServer) => {
    const info = String(await node.ask('CLUSTER', 'INFO'));
    return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${masters}`);
  };
  await waitFor(async () => (await Promise.all(nodes.map(knowsAll))).every(Boolean), {
    timeoutMs: 15_000,
    what: 'three cluster nodes to know each other',
  });
  if (options.withReplicas === true) nodes.push(...(await addReplicas(nodes, startNodes)));
  return {
    nodes,
    addresses: nodes.map((node) => `127.0.0.1:${node.port}`).join(','),
    async ownerOf(key) {
      const living = await firstToAnswer(nodes);
      const slot = Number(await living.ask('CLUSTER', 'KEYSLOT', key));
      const ranges = (await living.ask('CLUSTER', 'SLOTS')) as SlotRange[];
      const range = ranges.find(([from, to]) => from <= slot && slot <= to);
      const owner = nodes.find((node) => node.port === range?.[2][1]);
      if (owner === undefined) throw new Error(`no node has the slot of ${key}`);
      return owner;
    },
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()));
    },
  };
}

/** Starts a replica for each master; ready when all have their master's data. */
async function addReplicas(
  nodes: readonly RedisServer[],
  startNodes: () => Promise<RedisServer[]>,
): Promise<readonly RedisServer[]> {
  const replicas = await startNodes();
  for (const [index, replica] of replicas.entries()) {
    const master = nodes[index];
    await replica.ask('CLUSTER', 'MEET', '127.0.0.1', master?.port ?? 0);
    const id = String(await master?.ask('CLUSTER', 'MYID'));
    const knows = async () => String(await replica.ask('CLUSTER', 'NODES')).includes(id);
    await waitFor(knows, { timeoutMs: 10_000, what: 'a replica to know its master' });
    await replica.ask('CLUSTER', 'REPLICATE', id);
  }
  const isLinked = async (replica: RedisServer) =>
    String(await replica.ask('INFO', 'replication')).includes('master_link_status:up');
  await waitFor(async () => (await Promise.all(replicas.map(isLinked))).every(Boolean), {
    timeoutMs: 15_000,
    what: 'the replicas to follow their masters',
  });
  return replicas;
}

async function firstToAnswer(nodes: readonly RedisServer[]): Promise<RedisServer> {
  for (const node of nodes) {
    if ((await node.ask('PING').catch(() => null)) === 'PONG') return node;
  }
  throw new Error('no node of the cluster answers');
}

/**
 * Moves the slot of a key from its master to the next one, as an operator's tool does, under live traffic.
 *
 * @param pause   awaited between the steps, while both nodes have the slot
 */
export async function moveSlotOf(
  { nodes, ownerOf }: RedisCluster,
  key: string,
  pause: () => Promise<unknown> = async () => undefined,
): Promise<void> {
  const owner = nodes.indexOf(await ownerOf(key));
  // Connections stay open for all steps: scripts must wait while a slot is on both nodes, so that takes milliseconds.
  const clients = nodes.map((node) => new Redis({ host: '127.0.0.1', port: node.port }));
  try {
    const [from, to] = [clients[owner], clients[(owner + 1) % nodes.length]];
    const target = nodes[(owner + 1) % nodes.length];
    if (from === undefined || to === undefined || target === undefined) throw new Error('no such node');
    const slot = await from.cluster('KEYSLOT', key);
    const [fromId, toId] = [await from.cluster('MYID'), await to.cluster('MYID')];
    await to.cluster('SETSLOT', slot, 'IMPORTING', fromId);
    await from.cluster('SETSLOT', slot, 'MIGRATING', toId);
    await pause();
    for (;;) {
      const keys = await from.cluster('GETKEYSINSLOT', slot, 100);
      if (keys.length === 0) break;
      await from.migrate('127.0.0.1', target.port, '', 0, 5000, 'KEYS', ...keys);
      await pause();
    }
    // The new master first: until it knows, the old one redirects to it.
    for (const client of [to, from, ...clients]) await client.cluster('SETSLOT', slot, 'NODE', toId);
  } finally {
    for (const client of clients) client.disconnect();
  }
}

/** Commands about a whole server: on a Cluster sent to all nodes, with the replies combined. */
const together: Readonly<Record<string, (answers: readonly unknown[]) => unknown>> = {
  DBSIZE: (answers) => answers.reduce<number>((sum, answer) => sum + Number(answer), 0),
  KEYS: (answers) => answers.flat(),
  FLUSHALL: ([first]) => first,
  CONFIG: ([first]) => first,
  CLIENT: ([first]) => first,
};

/**
 * All nodes as one server, for tests that run on either. Its port is the first node's: from there `askRedis`
 * and `ask` find the node of a key.
 */
export function asOneServer({ nodes, stop }: RedisCluster): RedisServer {
  const [first] = nodes;
  if (first === undefined) throw new Error('a cluster without nodes');
  return {
    ...first,
    pid: first.pid,
    output: () => nodes.map((node) => node.output()).join('\n'),
    async ask(command, ...args) {
      const join = together[command.toUpperCase()];
      if (join === undefined) return askRedis(first.port, command, ...args);
      return join(await Promise.all(nodes.map((node) => node.ask(command, ...args))));
    },
    stop,
    kill: async () => void (await Promise.all(nodes.map((node) => node.kill()))),
    pause: () => nodes.forEach((node) => void node.pause()),
    resume: () => nodes.forEach((node) => void node.resume()),
    restart: async () => void (await Promise.all(nodes.map((node) => node.restart()))),
  };
}
