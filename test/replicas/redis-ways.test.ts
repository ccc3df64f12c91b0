import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { call, chat } from '../../testkit/http/http.ts';
import { startRelay } from '../../testkit/http/relay.ts';
import { freePort } from '../../testkit/process/free-port.ts';
import { startRedis } from '../../testkit/redis/redis.ts';
import { startSentinel } from '../../testkit/redis/redis-sentinel.ts';
import { runCommand } from '../../testkit/server/command.ts';
import { replicaOf, say, startDeployment, turnIdOf } from '../../testkit/server/deployment.ts';
import type { Replica } from '../../testkit/server/replica.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { promise } from './promises.ts';

const isReady = async (replica: Replica) => (await call(replica.url, 'GET', '/readyz')).status === 200;
const says = (replica: Replica, words: RegExp) => async () => words.test(replica.output());

promise(
  'redis.role-change',
  'when a server behind a name becomes a replica, its connection is left for the server that the name now resolves to',
  async () => {
    const first = await startRedis();
    const second = await startRedis({ args: ['--replicaof', '127.0.0.1', String(first.port)] });
    onTestFinished(() => Promise.all([first.stop(), second.stop()]).then(() => {}));
    const name = await startRelay();
    name.to(first);
    const redisUrl = name.url.replace('http', 'redis');
    const deployment = await startDeployment(1, { REDIS_URL: redisUrl });
    const [replica] = deployment.replicas;
    if (replica === undefined) throw new Error('no replica');
    await chat(replica, 'moves', 'before');
    await waitFor(async () => String(await second.ask('INFO', 'replication')).includes('link_status:up'), {
      timeoutMs: 5000,
      what: 'the second server to follow the first',
    });
    await waitFor(async () => Number(await second.ask('EXISTS', 'turnwise:{-/moves}:meta')) === 1, {
      timeoutMs: 5000,
      what: 'the second server to be in sync',
    });
    await second.ask('REPLICAOF', 'NO', 'ONE');
    await first.ask('REPLICAOF', '127.0.0.1', second.port);
    // The open connection still leads to the first, now a replica, which accepts no writes.
    await waitFor(async () => !(await isReady(replica)), {
      timeoutMs: 5000,
      what: 'the replica to be unready',
    });
    await waitFor(says(replica, /READONLY/), { timeoutMs: 15_000, what: 'the log to name the cause' });
    const doctor = await runCommand(['doctor'], {
      REDIS_URL: redisUrl,
      OPENAI_MODEL: 'm',
      OPENAI_API_KEY: 'k',
    });
    expect(doctor.out).toMatch(/^fail {2}role +a replica, which refuses writes/m);
    name.to(second);
    await waitFor(() => isReady(replica), { timeoutMs: 5000, what: 'the replica to be ready' });
    const { body } = await chat(replica, 'moves', 'after');
    expect([body.reply, body.message_count]).toEqual(['echo:after', 4]);
  },
  60_000,
);

promise(
  'redis.loading',
  'a Redis that is loading its data is used as soon as it is done, whatever it estimates; log and doctor report it',
  async () => {
    const redis = await startRedis({ args: ['--rdbcompression', 'no'] });
    onTestFinished(() => redis.stop());
    const deployment = await startDeployment(1, { REDIS_URL: redis.url });
    const [replica] = deployment.replicas;
    if (replica === undefined) throw new Error('no replica');
    await chat(replica, 'loads', 'before');
    // Small keys before a large one: from the bytes read so far, Redis estimates minutes.
    for (let index = 0; index < 500; index += 1) await redis.ask('SET', `small-${index}`, 'x');
    await redis.ask('SETRANGE', 'large', 30_000_000, 'x');
    await redis.ask('SAVE');
    await redis.kill();
    const loading = await startRedis({
      port: redis.port,
      dir: redis.dir,
      args: ['--key-load-delay', '10000', '--loading-process-events-interval-bytes', '1024'],
      until: 'listening',
    });
    onTestFinished(() => loading.stop());
    const settings = { REDIS_URL: redis.url, OPENAI_MODEL: 'm', OPENAI_API_KEY: 'k' };
    const [doctor] = await Promise.all([
      runCommand(['doctor'], settings),
      waitFor(says(replica, /Redis is loading its data/), { timeoutMs: 5000, what: 'the log to report it' }),
    ]);
    expect(doctor.out).toMatch(/^fail {2}redis .*it is loading its data/m);
    const since = performance.now();
    expect((await chat(replica, 'loads', 'meanwhile')).status).toBe(503);
    expect(performance.now() - since).toBeLessThan(1000);
    await waitFor(async () => Number(await loading.ask('EXISTS', 'small-0').catch(() => 0)) === 1, {
      timeoutMs: 30_000,
      what: 'Redis to have loaded its data',
    });
    await waitFor(() => isReady(replica), { timeoutMs: 2000, what: 'the replica to be ready again' });
    expect((await chat(replica, 'loads', 'after')).body.message_count).toBe(4);
  },
  60_000,
);

promise(
  'redis.sentinel-login',
  'Sentinels with their own password lead to a primary with another one; the log names the wrong one',
  async () => {
    const sentinel = await startSentinel();
    onTestFinished(() => sentinel.stop());
    for (const one of sentinel.sentinels) {
      await one.ask('SENTINEL', 'SET', sentinel.name, 'auth-pass', 'data');
      await one.ask('ACL', 'SETUSER', 'default', 'resetpass', '>watch');
      await one.ask('ACL', 'SETUSER', 'looker', 'on', '>look', '+@all', '~*', '&*').catch(() => {});
    }
    for (const server of [sentinel.firstSecondary, sentinel.firstPrimary]) {
      await server.ask('CONFIG', 'SET', 'masterauth', 'data');
      await server.ask('CONFIG', 'SET', 'requirepass', 'data');
    }
    const deployment = await startDeployment(0);
    const env = {
      REDIS_SENTINELS: sentinel.addresses,
      REDIS_SENTINEL_NAME: sentinel.name,
      REDIS_PASSWORD: 'data',
    };
    const replica = await deployment.another({ ...env, REDIS_SENTINEL_PASSWORD: 'watch' });
    expect((await chat(replica, 'watched', 'hello')).body.reply).toBe('echo:hello');
    const wrong = await deployment.another({ ...env, REDIS_SENTINEL_PASSWORD: 'data' }, { until: 'live' });
    await waitFor(says(wrong, /WRONGPASS|NOAUTH|sentinels are unreachable/i), {
      timeoutMs: 10_000,
      what: 'the log to name the cause',
    });
  },
  60_000,
);

/** Certificates of one authority, as a managed service issues them: with names, and perhaps addresses. */
function certificates(names: Readonly<Record<string, string>>): string {
  const dir = mkdtempSync(join(tmpdir(), 'turnwise-tls-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'ignore' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-subj',
    '/CN=authority',
    '-days',
    '2',
  );
  for (const [name, subjectAltName] of Object.entries(names)) {
    writeFileSync(join(dir, 'ext'), `subjectAltName=${subjectAltName}\n`);
    openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', '/CN=node');
    const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'ext'];
    openssl('x509', '-req', '-in', `${name}.csr`, ...by, '-out', `${name}.pem`);
  }
  return dir;
}

promise(
  'redis.tls-names',
  'a Cluster whose certificates hold only names is reached by name; one with another name is refused, and the log says why',
  async () => {
    const dir = certificates({ named: 'DNS:localhost', other: 'DNS:elsewhere.invalid' });
    const startNode = async (certificate: string) => {
      const tlsPort = await freePort({ alsoFreeAt: 10_000 });
      const tls = { 'tls-port': tlsPort, 'tls-cluster': 'yes', 'tls-auth-clients': 'no' };
      const files = {
        'tls-cert-file': `${certificate}.pem`,
        'tls-key-file': `${certificate}.key`,
        'tls-ca-cert-file': 'ca.pem',
      };
      const cluster = {
        'cluster-enabled': 'yes',
        'cluster-config-file': 'nodes.conf',
        'cluster-announce-hostname': 'localhost',
        'cluster-preferred-endpoint-type': 'hostname',
      };
      const paths = Object.entries(files).map(([name, file]) => [name, join(dir, file)]);
      const node = await startRedis({
        args: [...Object.entries({ ...tls, ...cluster }), ...paths].flatMap(([name, value]) => [
          `--${name}`,
          String(value),
        ]),
      });
      onTestFinished(() => node.stop());
      await node.ask('CLUSTER', 'ADDSLOTSRANGE', 0, 16_383);
      return { REDIS_CLUSTER: `localhost:${tlsPort}`, REDIS_CA_FILE: join(dir, 'ca.pem') };
    };
    const deployment = await startDeployment(0);
    const named = await startNode('named');
    const replica = await deployment.another(named);
    expect((await chat(replica, 'named', 'hello')).body.reply).toBe('echo:hello');
    const other = await startNode('other');
    const refused = await deployment.another(other, { until: 'live' });
    await waitFor(says(refused, /ERR_TLS_CERT_ALTNAME_INVALID|does not match certificate/), {
      timeoutMs: 15_000,
      what: 'the log to name the cause',
    });
    const doctor = await runCommand(['doctor'], { ...other, OPENAI_MODEL: 'm', OPENAI_API_KEY: 'k' });
    expect(doctor.out).toMatch(/^fail {2}redis .*does not match certificate/m);
  },
  60_000,
);

promise(
  'api.readyz.full',
  'a full Redis shows in /health and makes no replica unready, because reading and deleting still work',
  async () => {
    const deployment = await startDeployment(1);
    const [replica] = deployment.replicas;
    if (replica === undefined) throw new Error('no replica');
    await chat(replica, 'full', 'hello');
    await deployment.redis.ask('CONFIG', 'SET', 'maxmemory', '1');
    onTestFinished(async () => void (await deployment.redis.ask('CONFIG', 'SET', 'maxmemory', '0')));
    expect(await isReady(replica)).toBe(true);
    const health = await call(replica.url, 'GET', '/health');
    expect([health.status, health.body.status, health.body.redis]).toEqual([200, 'healthy', 'full']);
    expect((await chat(replica, 'full', 'more')).body.error?.code).toBe('storage_full');
    expect((await call(replica.url, 'DELETE', '/api/sessions/full')).status).toBe(200);
    await deployment.redis.ask('CONFIG', 'SET', 'maxmemory', '0');
    expect((await call(replica.url, 'GET', '/health')).body.redis).toBe('ok');
  },
);

promise(
  'redis.few-rights',
  'with a Redis user without channels and INFO, every turn is answered, cancelled and deleted, every key has a TTL, and doctor names what is missing',
  async () => {
    const redis = await startRedis();
    onTestFinished(() => redis.stop());
    await redis.ask('ACL', 'SETUSER', 'few', 'on', '>pw', '~*', '+@all', '-info', 'resetchannels');
    const redisUrl = `redis://few:pw@127.0.0.1:${redis.port}`;
    const deployment = await startDeployment(2, { REDIS_URL: redisUrl });
    const [here, there] = [replicaOf(deployment, 0), replicaOf(deployment, 1)];
    const gate = deployment.model.gate();
    deployment.model.reply((request) =>
      request.messages.at(-1)?.content === 'held'
        ? [{ delta: 'begun' }, { wait: gate }]
        : [{ delta: 'well' }],
    );
    expect((await chat(here, 'few', 'hello')).body.reply).toBe('well');
    const held = await say(here, 'few', 'held');
    await held.until('delta');
    const waiting = chat(there, 'few', 'next');
    const cancel = await call(there.url, 'POST', `/api/sessions/few/turns/${turnIdOf(held)}/cancel`);
    expect([cancel.status, cancel.body.status]).toEqual([200, 'cancelled']);
    expect((await waiting).body.reply).toBe('well');
    for (const key of (await redis.ask('KEYS', 'turnwise:{-/few}:*')) as string[]) {
      expect([key, Number(await redis.ask('PTTL', key)) > 0]).toEqual([key, true]);
    }
    expect((await call(there.url, 'DELETE', '/api/sessions/few')).status).toBe(200);
    expect(await redis.ask('KEYS', 'turnwise:{-/few}:*')).toEqual([]);
    const doctor = await runCommand(['doctor'], {
      REDIS_URL: redisUrl,
      OPENAI_MODEL: 'm',
      OPENAI_API_KEY: 'k',
    });
    expect(doctor.out).toMatch(/^fail {2}channels .*NOPERM/m);
    expect(doctor.out).toMatch(/^fail .*info/im);
  },
  60_000,
);
