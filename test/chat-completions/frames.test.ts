import { expect } from 'vitest';
import type { PlacedEvent, TurnEvent } from '../../src/conversation/events.ts';
import { Transcript } from '../../src/conversation/transcript.ts';
import { TurnwiseError } from '../../src/errors.ts';
import { ChunkFrames } from '../../src/http/chat-completions/chunk-frames.ts';
import { completionOf } from '../../src/http/chat-completions/completion.ts';
import { promise } from './promises.ts';

const turn = { session: { owner: '-', conversationId: 'c' }, turnId: 't1' };
const head = { id: 'chatcmpl-t1', created: 1, model: 'm' };
const request = { model: 'm', messages: [] };
const place = (event: TurnEvent): PlacedEvent => ({ id: { fence: 1, seq: 1 }, event });
const framesFor = () => new ChunkFrames({ turn, isStored: true, follow: async () => undefined }, head, false);
const call = (callId: string): TurnEvent => ({ type: 'tool_call', callId, name: 'f', arguments: '{}' });
const result = (callId: string): TurnEvent => ({ type: 'tool_result', callId, output: 'x', isError: false });
const done = (finishReason: string) =>
  ({ type: 'done', finishReason, usage: null, messageCount: 2 }) as const;
const cancelled = { type: 'cancelled', kept: true, messageCount: 2 } as const;

/** What the chunks of these events say, and the same as a whole answer. */
function shown(events: readonly TurnEvent[], end: ReturnType<typeof done> | typeof cancelled) {
  const frames = framesFor();
  const texts = [...events, end].flatMap((event) => frames.of(place(event)));
  const transcript = new Transcript();
  for (const event of events) transcript.add(event);
  const chunks = texts.slice(0, -1).map((text) => JSON.parse(text.slice('data: '.length)));
  const { choices } = completionOf(head, request, { parts: transcript.parts, end });
  return { last: texts.at(-1), choices: chunks.map((chunk) => chunk.choices[0]), whole: choices[0] };
}

promise(
  'chat.frames.own-tools',
  'calls of tools that ran on the server are not shown; those that wait for the caller are, numbered from 0',
  () => {
    const events = [call('a'), result('a'), { type: 'delta', content: 'x' } as const, call('b'), call('c')];
    const { choices, whole, last } = shown(events, done('tool_calls'));
    const calls = choices.flatMap(({ delta }) => delta.tool_calls ?? []);
    expect(calls.map(({ index, id }) => [index, id])).toEqual([
      [0, 'b'],
      [1, 'c'],
    ]);
    expect(whole?.message.tool_calls?.map(({ id }) => id)).toEqual(['b', 'c']);
    expect(last).toBe('data: [DONE]\n\n');
  },
);

promise(
  'chat.frames.finish-reason',
  'every reason of a model server becomes one that clients know, and calls end with tool_calls',
  () => {
    const reasons: readonly (readonly [string, readonly TurnEvent[], string])[] = [
      ['stop', [], 'stop'],
      ['eos_token', [], 'stop'],
      ['max_tokens', [], 'length'],
      ['model_context_window_exceeded', [], 'length'],
      ['length', [call('a')], 'length'],
      ['content_filter', [], 'content_filter'],
      ['SAFETY', [], 'content_filter'],
      ['stop', [call('a')], 'tool_calls'],
      ['stop', [call('a'), result('a')], 'stop'],
    ];
    for (const [reason, events, known] of reasons) {
      const { choices, whole } = shown(events, done(reason));
      expect([reason, choices.at(-1).finish_reason, whole?.finish_reason]).toEqual([reason, known, known]);
    }
  },
);

promise(
  'chat.frames.cancelled',
  'a turn that was stopped ends with stop and what was said until then; its calls are not shown',
  () => {
    const { choices, whole } = shown([{ type: 'delta', content: 'half' }, call('a')], cancelled);
    expect(choices.map(({ delta }) => delta)).toEqual([
      { role: 'assistant', content: '' },
      { content: 'half' },
      {},
    ]);
    expect(choices.at(-1).finish_reason).toBe('stop');
    expect(whole).toMatchObject({ message: { content: 'half' }, finish_reason: 'stop' });
    expect(whole?.message.tool_calls).toBeUndefined();
    expect(shown([], cancelled)).toMatchObject({
      choices: [{ delta: { role: 'assistant', content: '' } }, { finish_reason: 'stop' }],
      whole: { message: { content: '' } },
    });
  },
);

promise(
  'chat.frames.restarted',
  'an answer that begins anew before anything was shown goes on silently, and afterwards is an error',
  () => {
    const restarted: TurnEvent = { type: 'restarted', attempt: 2 };
    const early = shown([call('lost'), restarted, { type: 'delta', content: 'x' }], done('stop'));
    expect(early.choices.map(({ delta }) => delta.content)).toEqual(['', 'x', undefined]);
    const frames = framesFor();
    frames.of(place({ type: 'delta', content: 'half' }));
    expect(() => frames.of(place(restarted))).toThrow(TurnwiseError);
  },
);
