import { expect } from 'vitest';
import { startChild } from '../support/child.ts';
import { freePort, isFree } from '../support/free-port.ts';
import { promise } from '../support/promise.ts';
import { serverEntry } from '../support/replica.ts';

/** Settings that are right. The Redis need not be there: a server that starts waits for it. */
const right = {
  OPENAI_MODEL: 'scripted',
  OPENAI_BASE_URL: 'http://127.0.0.1:1/v1',
  REDIS_URL: 'redis://127.0.0.1:1',
  PORT: '0',
};

/** Runs `serve` with these settings alone and returns how it exits. */
async function serve(
  env: Readonly<Record<string, string>>,
): Promise<{ code: number | null; output: string }> {
  const child = startChild(process.execPath, [serverEntry, 'serve'], {
    env: { PATH: process.env.PATH, ...env },
  });
  const timer = setTimeout(() => void child.kill(), 20_000);
  const code = await child.exited;
  clearTimeout(timer);
  return { code, output: child.output() };
}

const wrong = {
  PORT: 'eighty',
  HOST: '0.0.0.0',
  REDIS_URL: 'http://user:hidden-password@127.0.0.1',
  KEY_PREFIX: 'a b',
  OPENAI_BASE_URL: 'not a url',
  CONTEXT_TOKENS: '-1',
  SESSION_TTL_SECONDS: '0',
  TURN_MAX_ATTEMPTS: '1.5',
  ON_BUSY: 'wait',
  ON_DISCONNECT: 'yes',
  ALLOW_ANONYMOUS: 'maybe',
  AUTH: 'password',
  CORS_ORIGINS: '*',
  WORKER: 'on',
  LOG_LEVEL: 'loud',
  MAX_BODY_BYTES: '1e6',
  REDIS_SENTINELS: 'nowhere',
};

promise(
  'settings.all-mistakes-at-once',
  'serve names every mistake in the settings at once, tells no secret, and exits 2',
  async () => {
    const { code, output } = await serve(wrong);
    expect(code).toBe(2);
    const { HOST: _, ...named } = wrong;
    const missing = [...Object.keys(named), 'OPENAI_MODEL'].filter(
      (name) => !new RegExp(`^\\s*${name}\\b.*expected`, 'm').test(output),
    );
    expect(missing).toEqual([]);
    expect(output).toContain('"eighty"');
    expect(output).not.toContain('hidden-password');
    expect(output).not.toMatch(/^\s+at /m);
  },
);

promise(
  'settings.cross-checks',
  'settings that are wrong only together are named, and serve exits 2',
  async () => {
    const sentinels = { REDIS_SENTINELS: '127.0.0.1:1', REDIS_CLUSTER: '127.0.0.1:1' };
    const sizes = { MAX_MESSAGE_BYTES: '1000', MAX_BODY_BYTES: '500' };
    const { code, output } = await serve({ ...right, ...sentinels, ...sizes });
    expect(code).toBe(2);
    for (const name of ['REDIS_SENTINEL_NAME', 'REDIS_CLUSTER', 'MAX_MESSAGE_BYTES']) {
      expect(output).toMatch(new RegExp(`\\b${name}\\b.*expected`));
    }
  },
);

promise(
  'settings.auth',
  'serve exits 2 on an AUTH it does not have, and on AUTH=none where others than this machine can reach it',
  async () => {
    const port = await freePort();
    const cases = [
      [{ AUTH: 'keys' }, 'AUTH'],
      [{ AUTH: 'jwt', JWT_SECRET: 'hidden-secret' }, 'AUTH'],
      [{ HOST: '0.0.0.0' }, 'ALLOW_ANONYMOUS'],
      [{ HOST: '127.0.0.1.example' }, 'ALLOW_ANONYMOUS'],
    ] as const;
    for (const [env, name] of cases) {
      const { code, output } = await serve({ ...right, PORT: String(port), ...env });
      expect([env, code]).toEqual([env, 2]);
      expect(output).toMatch(new RegExp(`^\\s*${name}\\b.*expected`, 'm'));
      expect(output).not.toContain('hidden-secret');
      expect(await isFree(port)).toBe(true);
    }
  },
);
