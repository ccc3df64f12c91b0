import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { readScript, scriptNames } from '../src/redis/script-source.ts';

/** Counts of commands sent to Redis, by name of the command or script. */
export interface WireCommands {
  readonly byName: ReadonlyMap<string, number>;
  /** Counts of commands that scripts ran inside Redis. */
  readonly inScripts: number;
}

/** Counts with MONITOR while some work is done. That slows Redis, but does not change the counts. */
export async function countCommands(client: Redis, work: () => Promise<void>): Promise<WireCommands> {
  const names = namesByDigest();
  const monitor = await client.monitor();
  const byName = new Map<string, number>();
  let inScripts = 0;
  monitor.on('monitor', (_time: string, [command = '', digest = '']: string[], source: string) => {
    if (source === 'lua') {
      inScripts += 1;
      return;
    }
    const isScript = /^evalsha$/i.test(command);
    const name = isScript ? (names.get(digest) ?? 'script of Redlock') : command.toUpperCase();
    byName.set(name, (byName.get(name) ?? 0) + 1);
  });
  try {
    await work();
    // The reply comes after all earlier commands, on the monitor's connection too.
    await client.ping();
    await new Promise((resolve) => setTimeout(resolve, 50));
  } finally {
    monitor.disconnect();
  }
  byName.delete('PING');
  return { byName, inScripts };
}

/** Scripts by digest. */
function namesByDigest(): ReadonlyMap<string, string> {
  return new Map(
    scriptNames().map((name) => [createHash('sha1').update(readScript(name)).digest('hex'), name]),
  );
}
