import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect } from 'vitest';
import { Script } from '../../src/redis/script.ts';
import { scriptNames } from '../../src/redis/script-source.ts';
import { SCRIPTS } from '../../src/redis/scripts.ts';
import { asTurnwiseError } from '../../src/redis/server/failures.ts';
import { loggedError } from '../../src/telemetry/logged-error.ts';
import type { RedisServer } from '../../testkit/redis/redis.ts';
import { startStore } from '../../testkit/server/deployment.ts';
import { luaScripts } from '../support/lua-script.ts';
import { promise } from './promises.ts';

let redis: RedisServer;
let client: Redis;

beforeAll(async () => {
  ({ redis } = await startStore());
  client = new Redis(redis.url);
});
afterAll(() => client.disconnect());

promise(
  'scripts.specified',
  'code and scripts agree on the name of every key, argument and reply, or no replica starts',
  () => {
    expect(Object.values(SCRIPTS).map(({ name }) => name)).toEqual(
      expect.arrayContaining([...scriptNames()]),
    );
    for (const script of Object.values(SCRIPTS)) script.define(client);
    const replies = { OK: {}, MISSING: {} };
    const odd = [
      new Script('describe-session', 'meta lock', 'fields*', replies),
      new Script('describe-session', 'meta', 'names*', replies),
      new Script('describe-session', 'meta', 'fields*', { ...replies, LATE: {} }),
    ];
    for (const script of odd) expect(() => script.define(client)).toThrow('describe-session.lua says');
  },
);

promise(
  'scripts.errors',
  'a bug in a script is internal and named in the log; only a key that was edited makes a session corrupt',
  async () => {
    const errorOf = async (lua: string) =>
      asTurnwiseError(await client.eval(lua, 1, 'key').catch((error: unknown) => error), 'end-turn');
    const mistake = await errorOf('return nothing.at_all');
    expect([mistake.code, loggedError(mistake).cause?.message]).toEqual([
      'internal',
      expect.stringContaining('the script end-turn failed'),
    ]);
    expect((await errorOf("return redis.call('NOSUCH', KEYS[1])")).code).toBe('internal');
    await client.set('key', 'a string');
    expect((await errorOf("return redis.call('HGET', KEYS[1], 'field')")).code).toBe('corrupt_session');
    await client.del('key');
    await client.hset('key', 'ticket', 'words');
    expect((await errorOf("return redis.call('HINCRBY', KEYS[1], 'ticket', 1)")).code).toBe(
      'corrupt_session',
    );
  },
);

promise(
  'scripts.no-events',
  'no script writes or changes the JSON of an event: TypeScript alone does',
  () => {
    for (const { name, code } of luaScripts()) {
      const made = [...code.matchAll(/cjson\.encode\((\{[^}]*\})\)/g)].map(([, object = '']) => object);
      // Notices between replicas are not events.
      expect([name, made.filter((object) => !object.includes('kind = '))]).toEqual([name, []]);
      expect([name, /cjson\.decode|gsub|\\"type\\"|"type"/.exec(code)?.[0]]).toEqual([name, undefined]);
    }
  },
);
