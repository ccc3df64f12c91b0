import { Cluster, type Redis } from 'ioredis';
import type { Client } from './connect.ts';
import { answered } from './failures.ts';

export interface ServerFacts {
  readonly address: string;
  readonly product: 'Redis' | 'Valkey';
  readonly version: string;
  /** It refuses writes, and follows another server. */
  readonly isReplica: boolean;
  readonly evictionPolicy: string;
  readonly isAppendOnly: boolean;
  /** When snapshots are taken; null when CONFIG is not allowed, as with many hosted servers. */
  readonly savePoints: string | null;
  readonly hasFailedToPersist: boolean;
}

/** Facts about every server that holds keys. */
export function readServerFacts(client: Client): Promise<readonly ServerFacts[]> {
  const nodes = client instanceof Cluster ? client.nodes('master') : [client];
  return Promise.all(nodes.map(readOne));
}

async function readOne(node: Redis): Promise<ServerFacts> {
  const [info, save] = await Promise.all([
    answered(node.info()),
    node.config('GET', 'save').catch((): unknown => null),
  ]);
  const fields = new Map(
    info.split('\r\n').flatMap((line): [string, string][] => {
      const cut = line.indexOf(':');
      return cut < 1 ? [] : [[line.slice(0, cut), line.slice(cut + 1)]];
    }),
  );
  const field = (name: string) => fields.get(name) ?? '';
  // Valkey reports itself as Redis 7.2 as well, for clients that do not know it.
  const valkeyVersion = fields.get('valkey_version');
  return {
    address: `${node.options.host}:${node.options.port}`,
    product: valkeyVersion === undefined ? 'Redis' : 'Valkey',
    version: valkeyVersion ?? field('redis_version'),
    isReplica: field('role') === 'slave',
    evictionPolicy: field('maxmemory_policy'),
    isAppendOnly: field('aof_enabled') === '1',
    savePoints: Array.isArray(save) && save.length === 2 ? String(save[1]) : null,
    hasFailedToPersist: [field('rdb_last_bgsave_status'), field('aof_last_write_status')].includes('err'),
  };
}
