/** Ends what a test process leaves behind when it dies: reads its list until the pipe closes. */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Watched } from './left-overs.ts';

const watchedByKey = new Map<string, Watched>();
for await (const line of createInterface({ input: process.stdin })) {
  const { verb, watched } = JSON.parse(line) as { verb: 'watch' | 'forget'; watched: Watched };
  const key = JSON.stringify(watched);
  if (verb === 'watch') watchedByKey.set(key, watched);
  else watchedByKey.delete(key);
}
// Processes first: they write into the folders.
const rank = { process: 0, folder: 1, container: 2 };
for (const watched of [...watchedByKey.values()].sort((a, b) => rank[a.kind] - rank[b.kind])) {
  try {
    await end(watched);
  } catch {
    // It has ended by itself; the others must still be ended.
  }
}

async function end(watched: Watched): Promise<void> {
  switch (watched.kind) {
    case 'process':
      process.kill(watched.pid, 'SIGKILL');
      return;
    case 'folder':
      rmSync(watched.path, { recursive: true, force: true, maxRetries: 5 });
      return;
    case 'container':
      return removeContainer(watched.label);
  }
}

async function removeContainer(label: string): Promise<void> {
  const list = ['ps', '--all', '--quiet', '--filter', `label=${label}`];
  // The engine continues to create a container whose caller has died, which takes seconds.
  for (let tries = 0; tries < 30; tries += 1) {
    const id = execFileSync('docker', list, { encoding: 'utf8' }).trim();
    if (id !== '') {
      execFileSync('docker', ['rm', '--force', '--volumes', id]);
      return;
    }
    await sleep(500);
  }
}
