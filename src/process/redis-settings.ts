import type { Config } from '../config/read-config.ts';
import type { OperatorSettings } from '../redis/operator-room.ts';
import type { RedisPlace } from '../redis/server/connect.ts';

export function redisPlace(config: Config): RedisPlace {
  return {
    url: config.REDIS_URL,
    cluster: config.REDIS_CLUSTER,
    sentinels: config.REDIS_SENTINELS,
    sentinelName: config.REDIS_SENTINEL_NAME,
    username: config.REDIS_USERNAME,
    password: config.REDIS_PASSWORD,
    sentinelUsername: config.REDIS_SENTINEL_USERNAME,
    sentinelPassword: config.REDIS_SENTINEL_PASSWORD,
    authority: config.REDIS_CA_FILE,
  };
}

export function operatorSettings(config: Config): OperatorSettings {
  return {
    place: redisPlace(config),
    keyPrefix: config.KEY_PREFIX,
    sessionTtlMs: config.SESSION_TTL_SECONDS * 1000,
    leaseMs: config.LOCK_TTL_MS,
  };
}
