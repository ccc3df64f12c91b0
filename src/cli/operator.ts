import type { Config } from '../config/read-config.ts';
import { operatorSettings } from '../process/redis-settings.ts';
import { type OperatorRoom, openOperatorRoom } from '../redis/operator-room.ts';
import { FormatError } from '../redis/server/format.ts';
import { OperatorError } from './operator-error.ts';

/**
 * Opens the stored data for a command, and closes it again.
 *
 * @throws OperatorError when Redis does not answer, or the keys have another layout than this version knows
 */
export async function withOperatorRoom<T>(
  config: Config,
  work: (room: OperatorRoom) => Promise<T>,
): Promise<T> {
  const room = await openOperatorRoom(operatorSettings(config)).catch((error: unknown) => {
    throw new OperatorError(describeFailure(config, error), { cause: error });
  });
  try {
    return await work(room);
  } catch (error) {
    throw error instanceof FormatError ? new OperatorError(error.message, { cause: error }) : error;
  } finally {
    room.close();
  }
}

function describeFailure(config: Config, error: unknown): string {
  let root = error;
  while (root instanceof Error && root.cause instanceof Error) root = root.cause;
  const reason = root instanceof Error && root.message !== '' ? `: ${root.message}` : '';
  return `Redis does not answer at ${redisAddress(config)}${reason}`;
}

/** Where Redis is, without the password that a URL may hold. */
export function redisAddress(config: Config): string {
  if (config.REDIS_CLUSTER) return config.REDIS_CLUSTER.join(',');
  if (config.REDIS_SENTINELS) return `${config.REDIS_SENTINEL_NAME} of ${config.REDIS_SENTINELS.join(',')}`;
  const { host, pathname } = new URL(config.REDIS_URL);
  return `${host}${pathname === '/' ? '' : pathname}`;
}
