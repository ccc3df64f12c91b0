import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { promise } from './promises.ts';

const script = fileURLToPath(new URL('../../scripts/setup/redis-server.mjs', import.meta.url));

/** Runs the set-up with a `redis-server` of this version output. @returns its path, or the complaint */
async function foundWhere(said: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'turnwise-setup-'));
  try {
    for (const name of ['redis-server', 'valkey-server']) {
      const file = join(folder, name);
      await writeFile(file, `#!/bin/sh\necho '${said}'\n`);
      await chmod(file, 0o755);
    }
    const env = { ...process.env, PATH: `${folder}${delimiter}${process.env.PATH}` };
    const child = spawn(process.execPath, [script], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (output += text));
    await once(child, 'close');
    return output.replaceAll(folder, 'FOLDER');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

promise(
  'setup.redis-version',
  'the set-up accepts Redis 7 and Valkey 8 or later under any program name, and nothing older',
  async () => {
    const good = ['Redis server v=7.0.15 sha=0', 'Valkey server v=8.1.0 sha=0', 'Server v=8.0.0 sha=0'];
    for (const said of good) expect(await foundWhere(said)).toBe('FOLDER/redis-server\n');
    const old = [
      'Redis server v=6.2.1 sha=0',
      'Server v=7.2.5 sha=0',
      'Valkey server v=7.2.9 sha=0',
      'hello',
    ];
    for (const said of old) expect(await foundWhere(said)).toContain('or Valkey 8.0 or later is needed');
  },
);
