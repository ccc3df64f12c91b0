import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { readScript, scriptFiles } from '../src/redis/scripts.ts';

/** What Redis was asked to do, by name of the command or script. */
export interface WireCommands {
  readonly byName: ReadonlyMap<string, number>;
  /** What scripts ran inside Redis. */
  readonly inScripts: number;
}

/** Listens with MONITOR while some work is done. It makes Redis slow, but counts are counts. */
export async function countCommands(client: Redis, work: () => Promise<void>): Promise<WireCommands> {
  const names = scriptNames();
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
    // An answer comes after everything that was asked before it, on the monitor's connection too.
    await client.ping();
    await new Promise((resolve) => setTimeout(resolve, 50));
  } finally {
    monitor.disconnect();
  }
  byName.delete('PING');
  return { byName, inScripts };
}

/** Scripts by the digest under which they are called. */
function scriptNames(): ReadonlyMap<string, string> {
  return new Map(
    scriptFiles()
      .filter((file) => !file.endsWith('.include.lua'))
      .map((file) => file.slice(0, -'.lua'.length))
      .map((name) => [createHash('sha1').update(readScript(name)).digest('hex'), name]),
  );
}
