import { expect } from 'vitest';
import type { History, Message } from '../../src/conversation/session.ts';
import { HistoryCache } from '../../src/redis/sessions/history-cache.ts';
import { promise } from './promises.ts';

const message = (number: number, text = `text ${number}`): Message => ({
  id: `m1-${number}`,
  turnId: 't',
  role: 'user',
  parts: [{ type: 'text', text }],
  createdAtMs: 0,
  truncated: false,
});

function history(from: number, count: number, more: Partial<History> = {}): History {
  return {
    ...{ epoch: '5', generation: '0', from, dropped: 0 },
    messages: Array.from({ length: count - from }, (_, index) => message(from + index)),
    messageCount: count,
    ...more,
  };
}

promise(
  'cache.generation',
  'cached history is joined with what Redis sent only within one epoch and generation',
  () => {
    const cache = new HistoryCache(1_000_000);
    cache.merge('s', history(0, 4), false);
    expect(cache.known('s')).toBe('5/0/4/m1-3');
    const joined = cache.merge('s', history(4, 6), true);
    expect(joined.messages.map(({ id }) => id)).toEqual(Array.from({ length: 6 }, (_, n) => `m1-${n}`));
    // It was replaced during the request to Redis.
    for (const other of [{ epoch: '6' }, { generation: '1' }]) {
      cache.merge('s', history(0, 6), false);
      const apart = cache.merge('s', history(6, 8, other), true);
      expect([other, apart.from, apart.messages.length]).toEqual([other, 6, 2]);
    }
    cache.drop('s');
    expect(cache.known('s')).toBe('');
  },
);

promise(
  'cache.bounded',
  'cached history is bounded in bytes, images and files included, and evicts the least recently used',
  () => {
    const cache = new HistoryCache(20_000);
    const long = (text: string): History => ({ ...history(0, 1), messages: [message(0, text)] });
    cache.merge('a', long('x'.repeat(4000)), false);
    cache.merge('b', long('x'.repeat(4000)), false);
    cache.merge('c', long('x'.repeat(4000)), false);
    expect(['a', 'b', 'c'].map((name) => cache.known(name) !== '')).toEqual([false, true, true]);
    const image = { ...message(0), parts: [{ type: 'image', imageUrl: 'x'.repeat(20_000) } as const] };
    cache.merge('d', { ...history(0, 1), messages: [image] }, false);
    expect(['b', 'c', 'd'].map((name) => cache.known(name) !== '')).toEqual([true, true, false]);
  },
);
