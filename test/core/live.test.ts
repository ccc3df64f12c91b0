import { Writable } from 'node:stream';
import { expect } from 'vitest';
import type { EventId, PlacedEvent, TurnEvent } from '../../src/conversation/events.ts';
import { BEFORE_ALL, formatEventId, parseEventId } from '../../src/conversation/events.ts';
import { TurnFeed } from '../../src/conversation/live/turn-feed.ts';
import { Transcript } from '../../src/conversation/transcript.ts';
import { chunkOf, writeInOneGo } from '../../src/http/door/chunks.ts';
import { promise } from './promises.ts';

const delta = (content: string): TurnEvent => ({ type: 'delta', content });
const place = (seq: number): EventId => ({ fence: 7, seq });
const placed = (seq: number, content = String(seq)): PlacedEvent => ({
  id: place(seq),
  event: delta(content),
});
const never = new AbortController().signal;

promise(
  'transcript.fold',
  'folding events joins adjacent pieces, keeps the order of parts, and drops what a lost attempt said',
  () => {
    const call: TurnEvent = { type: 'tool_call', callId: 'c', name: 'now', arguments: '{}' };
    const result: TurnEvent = { type: 'tool_result', callId: 'c', output: 'noon', isError: false };
    const transcript = new Transcript();
    for (const event of [delta('lost'), call, { type: 'restarted', attempt: 2 } as const])
      transcript.add(event);
    expect([transcript.parts, transcript.textLength, transcript.isEmpty]).toEqual([[], 0, true]);
    const think: TurnEvent = { type: 'reasoning', content: 'hm' };
    for (const event of [think, think, delta('Let '), delta('me look.'), call, result, delta('Noon.')]) {
      transcript.add(event);
      // Reading in the middle does not change the end.
      expect(transcript.parts.length).toBeGreaterThan(0);
    }
    expect(transcript.parts.map((part) => part.type)).toEqual([
      'reasoning',
      'text',
      'function_call',
      'function_result',
      'text',
    ]);
    const asMessages = (keepsReasoning: boolean) =>
      transcript.messages({ keepsReasoning }).map(({ role, parts }) => [role, parts.map(({ type }) => type)]);
    expect(asMessages(true)).toEqual([
      ['assistant', ['reasoning', 'text', 'function_call']],
      ['tool', ['function_result']],
      ['assistant', ['text']],
    ]);
    expect(asMessages(false)[0]).toEqual(['assistant', ['text', 'function_call']]);
    expect(transcript.parts[1]).toEqual({ type: 'text', text: 'Let me look.' });
    const thoughts = new Transcript();
    thoughts.add(think);
    expect(thoughts.isEmpty).toBe(true);
  },
);

promise(
  'feed.readers',
  'each reader of a turn gets every event after its place once and in order, and a stalled one blocks no other',
  async () => {
    const feed = new TurnFeed();
    const seen: Record<string, string[]> = { quick: [], slow: [], late: [] };
    const take = (name: string) => (events: readonly PlacedEvent[]) => {
      for (const { event } of events) if (event.type === 'delta') seen[name]?.push(event.content);
    };
    const stall = Promise.withResolvers<void>();
    const quick = feed.read(BEFORE_ALL, 'as-said', { take: take('quick') }, never);
    const slow = feed.read(
      BEFORE_ALL,
      'as-said',
      {
        take: (events) => {
          take('slow')(events);
          return stall.promise;
        },
      },
      never,
    );
    for (let seq = 1; seq <= 200; seq += 1) feed.push(placed(seq));
    expect([seen.quick?.length, seen.slow?.length]).toEqual([200, 1]);
    const late = feed.read(place(150), 'as-said', { take: take('late') }, never);
    expect(seen.late).toEqual(seen.quick?.slice(150));
    stall.resolve();
    feed.close('ended');
    expect(await Promise.all([quick, slow, late])).toEqual([place(200), place(200), place(200)]);
    expect(seen.slow).toEqual(seen.quick);
  },
);

promise('feed.pieces', 'a reader gets a bounded number of events and characters at once', async () => {
  const feed = new TurnFeed();
  for (let seq = 1; seq <= 300; seq += 1) feed.push(placed(seq, seq > 200 ? 'x'.repeat(6000) : 'x'));
  feed.close('ended');
  const sizes: [events: number, characters: number][] = [];
  const take = (events: readonly PlacedEvent[]) => {
    const text = events.map(({ event }) => (event.type === 'delta' ? event.content : '')).join('');
    sizes.push([events.length, text.length]);
  };
  await feed.read(BEFORE_ALL, 'as-said', { take }, never);
  expect(sizes.reduce((sum, [events]) => sum + events, 0)).toBe(300);
  expect(Math.max(...sizes.map(([events]) => events))).toBe(64);
  expect(Math.max(...sizes.map(([, characters]) => characters))).toBeLessThanOrEqual(16_384);
});

promise('feed.leaves', 'a reader that leaves or fails ends only its own reading', async () => {
  const feed = new TurnFeed();
  const left = new AbortController();
  const leaving = feed.read(BEFORE_ALL, 'as-said', { take: () => {} }, left.signal);
  const failing = feed.read(
    BEFORE_ALL,
    'as-said',
    { take: () => Promise.reject(new Error('broken')) },
    never,
  );
  const staying = feed.read(BEFORE_ALL, 'as-said', { take: () => {} }, never);
  feed.push(placed(1));
  left.abort();
  expect(await leaving).toEqual(place(1));
  await expect(failing).rejects.toThrow('broken');
  expect([feed.readerCount, feed.hadReaders]).toEqual([1, true]);
  feed.push(placed(2));
  feed.close('moved');
  expect(await staying).toEqual(place(2));
});

promise('events.place', 'an event id parses back to what was formatted, and nothing else parses', () => {
  for (const id of [BEFORE_ALL, { fence: 1_795_736_798_747_029, seq: 12 }]) {
    expect(parseEventId(formatEventId(id))).toEqual(id);
  }
  for (const text of ['', '1', '1-', '-1', '1-1-1', 'x-1', '1-x', '99999999999999999-1', ' 1-1', '1-1 ']) {
    expect([text, parseEventId(text)]).toEqual([text, null]);
  }
});

promise(
  'viewers.one-write',
  'events that come together reach each viewer in one write of whole chunks, whose bytes all viewers share',
  async () => {
    const writes: Buffer[][] = [];
    const viewers = Array.from(
      { length: 3 },
      () =>
        new Writable({
          writev: (chunks, done) => {
            writes.push(chunks.map(({ chunk }) => chunk));
            done();
          },
        }),
    );
    const events = [['data: a\n\n'], ['data: \u00e9\n\n', 'data: c\n\n']];
    for (const frames of events)
      for (const viewer of viewers) expect(writeInOneGo(viewer, chunkOf(frames))).toBe(true);
    expect(writes).toEqual([]);
    await new Promise(setImmediate);
    const chunks = ['9\r\ndata: a\n\n\r\n', '13\r\ndata: \u00e9\n\ndata: c\n\n\r\n'];
    expect(writes.map((write) => write.map(String))).toEqual(viewers.map(() => chunks));
    for (const write of writes)
      for (const [at, bytes] of write.entries()) expect(bytes).toBe(writes[0]?.[at]);
  },
);
