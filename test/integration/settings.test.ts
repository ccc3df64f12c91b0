import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, onTestFinished } from 'vitest';
import { readConfig } from '../../src/config/read-config.ts';
import { startChild } from '../../testkit/process/child.ts';
import { freePort, isFree } from '../../testkit/process/free-port.ts';
import { runCommand } from '../../testkit/server/command.ts';
import { serverEntry } from '../../testkit/server/replica.ts';
import { promise } from './promises.ts';

/** Valid settings. The Redis need not exist: a starting server waits for it. */
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
  'serve names every mistake in the settings at once, prints no secret, and exits 2',
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
  'settings that are wrong only in combination are named, and serve exits 2',
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
  'serve exits 2 on an unknown AUTH, and on AUTH=none when other machines can reach it',
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

promise(
  'settings.readable-is-usable',
  'an unusable setting is named before anything starts: a proxy that is not an address, a bad port, a missing file',
  async () => {
    const wrongOnes: Readonly<Record<string, readonly string[]>> = {
      TRUST_PROXY: ['abc', '1000', '10.0.0.0/99', '10.0.0.0/0', 'loopback,x', '::1/129', '300.1.1.1'],
      REDIS_CA_FILE: ['/nowhere/ca.pem', serverEntry],
      REDIS_CLUSTER: ['127.0.0.1:65536', '[::1]:0'],
      REDIS_SENTINELS: ['a:65536', 'a:1,b'],
    };
    for (const [name, texts] of Object.entries(wrongOnes)) {
      for (const text of texts) {
        expect(() => readConfig({ [name]: text })).toThrow(new RegExp(`^ *${name}: expected`, 'm'));
      }
    }
    const firsts = Object.entries(wrongOnes).map(([name, [text = '']]) => [name, text]);
    const { code, output } = await serve({ ...right, ...Object.fromEntries(firsts) });
    expect(code).toBe(2);
    for (const name of Object.keys(wrongOnes))
      expect(output).toMatch(new RegExp(`^ *${name}: expected`, 'm'));
    expect(output).not.toMatch(/^\s+at /m);
    const doctor = await runCommand(['doctor'], { ...right, REDIS_CA_FILE: '/nowhere/ca.pem' });
    expect([doctor.code, doctor.err]).toEqual([1, '']);
    expect(doctor.out).toMatch(/REDIS_CA_FILE.*expected/);
    for (const text of ['true', '2', 'loopback, uniquelocal', '10.0.0.0/8,fc00::/7', '::1']) {
      expect(() => readConfig({ TRUST_PROXY: text })).not.toThrow();
    }
  },
  60_000,
);

promise('settings.port-taken', 'a command that cannot listen prints one line and exits 1', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  onTestFinished(() => void taken.close());
  const port = String((taken.address() as AddressInfo).port);
  const commands = [['serve'], ['web'], ['demo-model', '--port', port]];
  for (const command of commands) {
    const { code, err } = await runCommand(command, {
      ...right,
      PORT: port,
      WEB_PORT: port,
      LOG_LEVEL: 'silent',
    });
    expect([command, code]).toEqual([command, 1]);
    expect(err).toMatch(new RegExp(`^Cannot listen: .*EADDRINUSE.*${port}\n$`));
  }
  const nowhere = await runCommand(['web'], { HOST: 'nowhere.invalid', WEB_PORT: port });
  expect([nowhere.code, nowhere.err]).toEqual([
    1,
    expect.stringMatching(/^Cannot listen: .*nowhere.invalid\n$/),
  ]);
});

promise('settings.no-credentials', 'a model URL with a password is refused, and not repeated', () => {
  const read = () => readConfig({ OPENAI_BASE_URL: 'http://user:URLSECRET@127.0.0.1:1/v1' });
  expect(read).toThrow('OPENAI_BASE_URL');
  expect(read).not.toThrow('URLSECRET');
});
