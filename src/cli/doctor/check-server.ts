import type { ServerFacts } from '../../redis/server/server-facts.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

const LEAST_MAJOR = { Redis: 7, Valkey: 8 } as const;

/** Version, eviction policy and persistence of every server that holds keys. */
export function checkServers(servers: readonly ServerFacts[]): readonly Finding[] {
  return [checkVersion(servers), checkRole(servers), checkEviction(servers), checkPersistence(servers)];
}

function checkVersion(servers: readonly ServerFacts[]): Finding {
  const old = servers.filter(
    ({ product, version }) => !(Number(version.split('.')[0]) >= LEAST_MAJOR[product]),
  );
  const found = list(servers, ({ product, version }) => `${product} ${version}`);
  if (old.length === 0) return ok('version', found);
  return fail('version', found, 'Turnwise needs Redis 7.0 or Valkey 8 or later: update the server.');
}

function checkRole(servers: readonly ServerFacts[]): Finding {
  const found = list(servers, ({ isReplica }) =>
    isReplica ? 'a replica, which refuses writes' : 'a primary',
  );
  if (servers.every(({ isReplica }) => !isReplica)) return ok('role', found);
  return fail('role', found, 'Point REDIS_URL at the primary, or name the Sentinels in REDIS_SENTINELS.');
}

function checkEviction(servers: readonly ServerFacts[]): Finding {
  const found = list(servers, ({ evictionPolicy }) => evictionPolicy);
  if (servers.every(({ evictionPolicy }) => evictionPolicy === 'noeviction')) return ok('eviction', found);
  return fail(
    'eviction',
    found,
    'A full Redis would throw away parts of conversations. Set `maxmemory-policy noeviction`.',
  );
}

function checkPersistence(servers: readonly ServerFacts[]): Finding {
  const found = list(servers, persistenceOf);
  if (servers.some(({ hasFailedToPersist }) => hasFailedToPersist)) {
    return fail(
      'persistence',
      found,
      'The last write to disk failed: look at the disk and the log of Redis.',
    );
  }
  if (servers.every(({ isAppendOnly }) => isAppendOnly)) return ok('persistence', found);
  return warn(
    'persistence',
    found,
    'A crash of Redis loses what is not on disk. Set `appendonly yes` if conversations should outlive it.',
  );
}

function persistenceOf({ isAppendOnly, savePoints }: ServerFacts): string {
  if (isAppendOnly) return 'append-only file';
  if (savePoints === null) return 'no append-only file';
  return savePoints === '' ? 'nothing is written to disk' : `snapshots only (save ${savePoints})`;
}

/** One text when all servers agree, else one per server. */
function list(servers: readonly ServerFacts[], say: (server: ServerFacts) => string): string {
  const sayings = new Set(servers.map(say));
  if (sayings.size <= 1) return [...sayings][0] ?? 'no server';
  return servers.map((server) => `${server.address}: ${say(server)}`).join(', ');
}

/** @param refusal  the error of Redis on a publish; null when there is none */
export function checkChannels(refusal: string | null): Finding {
  if (refusal === null) return ok('channels', 'can be published to');
  return fail(
    'channels',
    refusal,
    'Replicas reach each other by channels: without, cancel and order take a second longer. Give the Redis user `&*`.',
  );
}
