import { connect, createServer, type Socket } from 'node:net';
import { expect } from 'vitest';
import { chat } from '../../testkit/http/http.ts';
import { startScriptedModel } from '../../testkit/model/scripted-model.ts';
import { freePort } from '../../testkit/process/free-port.ts';
import { whenLeftOver } from '../../testkit/process/left-overs.ts';
import { startRedis } from '../../testkit/redis/redis.ts';
import { startReplica } from '../../testkit/server/replica.ts';
import { promise } from './promises.ts';

const timeReply = /\*2\r\n\$10\r\n\d{10}\r\n/;

/** Forwards bytes in order, each chunk after a delay in ms. */
function delayed(to: Socket, delayOf: (piece: Buffer) => number): (piece: Buffer) => void {
  let lastDue = 0;
  return (piece) => {
    lastDue = Math.max(lastDue, performance.now() + delayOf(piece));
    setTimeout(() => to.write(piece), Math.max(1, lastDue - performance.now()));
  };
}

promise(
  'clock.slow-first-reading',
  'a replica whose first reading of the Redis time came late still accepts turns while Redis answers in time',
  async () => {
    const [redis, model, port] = await Promise.all([startRedis(), startScriptedModel(), freePort()]);
    let readings = 0;
    const proxy = createServer((near) => {
      const far = connect(redis.port, '127.0.0.1');
      // The first reading arrives 400 ms late; from then on each request takes 120 ms to Redis.
      near.on(
        'data',
        delayed(far, () => (readings > 0 ? 120 : 0)),
      );
      far.on(
        'data',
        delayed(near, (piece) => {
          if (readings > 0 || !timeReply.test(piece.toString('latin1'))) return 0;
          readings += 1;
          return 400;
        }),
      );
      for (const socket of [near, far]) {
        socket.on('error', () => undefined);
        socket.once('close', () => [near, far].map((one) => one.destroy()));
      }
    });
    proxy.listen(port, '127.0.0.1');
    whenLeftOver(() => void proxy.close());
    const redisUrl = `redis://127.0.0.1:${port}`;
    const replica = await startReplica({ redisUrl, modelUrl: model.url });
    expect(readings).toBe(1);
    // One refusal may be needed to correct the clock.
    await chat(replica, 'slow', 'first');
    const answer = await chat(replica, 'slow', 'second');
    expect(answer).toMatchObject({ status: 200, body: { reply: 'echo:second' } });
  },
);
