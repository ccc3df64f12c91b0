import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import { outcomesOf } from '../../bench/goals.ts';
import { EVENT_MARKS, openStream } from '../../bench/live-stream.ts';
import { once as measuredOnce } from '../../bench/statistics.ts';
import { promise } from './promises.ts';

promise(
  'bench.marks.any-split',
  'the bench counts each token of a stream once, wherever its bytes are split, and knows a stream that was cut',
  async () => {
    const event = (name: string) => `event: ${name}\ndata: {}\n\n`;
    const answer = `${event('delta')}${event('delta')}${event('delta')}${event('done')}`;
    const server = createServer(async (request, response) => {
      response.writeHead(200);
      const isCut = request.url === '/cut';
      const bytes = Buffer.from(isCut ? answer.slice(0, -30) : answer);
      // Without the frames of chunked encoding between the pieces.
      const { socket } = response;
      response.flushHeaders();
      for (let at = 0; at < bytes.length; at += 7) {
        socket?.write(bytes.subarray(at, at + 7));
        await sleep(1);
      }
      socket?.end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    let tokens = 0;
    const heard = (count: number) => {
      tokens += count;
    };
    await openStream({ url, method: 'GET', path: '/whole' }, EVENT_MARKS, heard).ended;
    expect(tokens).toBe(3);
    await expect(openStream({ url, method: 'GET', path: '/cut' }, EVENT_MARKS, heard).ended).rejects.toThrow(
      'broke off',
    );
  },
);

promise(
  'bench.targets.judged',
  'a target of the bench is met when the median keeps its bound, and a ratio without a bound is only reported',
  () => {
    const outcomes = outcomesOf({
      'json.16': { least: 0.2, median: 1, most: 3 },
      'gap.p99': { least: 1, median: 1.31, most: 1.4 },
      'peer.langgraph.16': measuredOnce(20),
    });
    expect(outcomes.map(({ name, is, target }) => [name, target, is])).toEqual([
      ['json.16', '≥ 1', 'met'],
      ['gap.p99', '≤ 1.3', 'missed'],
      ['peer.langgraph.16', '', 'reported'],
    ]);
  },
);
