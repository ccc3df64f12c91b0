import type { Redis } from 'ioredis';

/** A command that was called less often than this says nothing. */
const FEWEST_CALLS = 10;

/** Does some work and looks at the time that each command took inside Redis meanwhile, µs a call. */
export async function commandTimes<T>(
  client: Redis,
  work: () => Promise<T>,
): Promise<readonly [T, Readonly<Record<string, number>>]> {
  await client.config('RESETSTAT');
  const done = await work();
  const stats = await client.info('commandstats');
  const found = [...stats.matchAll(/^cmdstat_(\S+?):calls=(\d+),usec=\d+,usec_per_call=([\d.]+)/gm)]
    .filter(([, , calls]) => Number(calls) >= FEWEST_CALLS)
    .map(([, name = '', , us]) => [name, Number(us)] as const);
  return [done, Object.fromEntries(found)];
}
