import { HttpAgent, type Message } from '@ag-ui/client';
import { expect } from 'vitest';
import type { TurnEvent } from '../../src/conversation/events.ts';
import { TurnwiseError } from '../../src/errors.ts';
import { RunFrames } from '../../src/http/ag-ui/run-frames.ts';
import { promise } from './promises.ts';

const turn = { session: { owner: '-', conversationId: 'c' }, turnId: 't1' };
const source = { turn, isStored: true, follow: async () => undefined };
const question: Message = { id: 'q', role: 'user', content: 'hello' };

const framesFor = (before: readonly Message[] = [question]) =>
  new RunFrames(source, {
    ...{ runId: 'r', parentRunId: null, before, beginsWithSnapshot: false, showsQueue: false },
  });

const started: TurnEvent = { type: 'started', attempt: 1 };
const say = (content: string): TurnEvent => ({ type: 'delta', content });
const think = (content: string): TurnEvent => ({ type: 'reasoning', content });
const call = (callId: string): TurnEvent => ({ type: 'tool_call', callId, name: 'f', arguments: '{}' });
const result = (callId: string): TurnEvent => ({ type: 'tool_result', callId, output: 'x', isError: false });
const restarted: TurnEvent = { type: 'restarted', attempt: 2 };
const done: TurnEvent = { type: 'done', finishReason: 'stop', usage: null, messageCount: 2 };

/** Gives the frames of these events to the real client. Each attempt has a fence of its own. */
async function played(events: readonly TurnEvent[], before: readonly Message[] = [question]) {
  const frames = framesFor(before);
  let fence = 1;
  const body = events.flatMap((event, index) => {
    if (event.type === 'restarted') fence += 1;
    return frames.of({ id: { fence, seq: index + 1 }, event });
  });
  const headers = { 'content-type': 'text/event-stream' };
  const fetch = async () => new Response(body.join(''), { headers });
  const agent = new HttpAgent({ url: 'http://localhost/', fetch, initialMessages: [...before] });
  const pending: string[] = [];
  await agent.runAgent(
    {},
    {
      onRunFinishedEvent: (params) => {
        if (params.outcome === 'success') pending.push(...params.pendingToolCallIds);
      },
    },
  );
  return { messages: agent.messages, pending };
}

promise(
  'agui.frames.restarted',
  'after a takeover the client drops what the lost attempt said, thought and called, and has the new answer once',
  async () => {
    const half = [started, think('hm'), say('half'), call('lost'), think('more'), restarted];
    const { messages, pending } = await played([...half, think('again'), say('whole'), done]);
    expect(messages.filter(({ content }) => content !== '')).toEqual([
      question,
      { id: 't1-reasoning-1', role: 'reasoning', content: 'again' },
      { id: 'm2-100001', role: 'assistant', content: 'whole' },
    ]);
    expect(messages.map(({ role }) => role)).not.toContain('tool');
    // What a call of the lost attempt asked for is not to be done.
    expect(pending).toEqual([]);
    const early = await played([started, restarted, say('whole'), done]);
    expect(early.messages).toEqual([question, { id: 'm2-100001', role: 'assistant', content: 'whole' }]);
    const twice = await played([started, say('a'), restarted, say('b'), restarted, say('c'), done]);
    expect(twice.messages.map(({ content }) => content)).toEqual(['hello', 'c']);
  },
);

promise(
  'agui.frames.own-tools',
  'tools that ran on the server are shown with their results, and only calls without one are pending',
  async () => {
    const events = [
      started,
      say('one'),
      call('a'),
      call('b'),
      result('a'),
      result('b'),
      say('two'),
      call('c'),
    ];
    const { messages, pending } = await played([...events, done]);
    expect(pending).toEqual(['c']);
    expect(messages.map(({ id, role }) => [id, role])).toEqual([
      ['q', 'user'],
      ['m1-100001', 'assistant'],
      ['m1-100002', 'tool'],
      ['m1-100003', 'tool'],
      ['m1-100004', 'assistant'],
    ]);
  },
);

promise(
  'agui.frames.interleaved',
  'text and reasoning that alternate stay one message of text, and each thought is a message',
  async () => {
    const { messages } = await played([started, say('a'), think('x'), say('b'), think('y'), say('c'), done]);
    expect(messages.map(({ role, content }) => [role, content])).toEqual([
      ['user', 'hello'],
      ['assistant', 'abc'],
      ['reasoning', 'x'],
      ['reasoning', 'y'],
    ]);
  },
);

promise(
  'agui.frames.cut',
  'an error before the run began is thrown, to be a status; a reading that is cut ends with RUN_ERROR, never silently',
  () => {
    const error: TurnEvent = { type: 'error', code: 'queue_timeout', message: 'late', retryable: true };
    expect(() => framesFor().of({ id: { fence: 0, seq: 1 }, event: error })).toThrow(TurnwiseError);
    const frames = framesFor();
    frames.of({ id: { fence: 1, seq: 1 }, event: say('half') });
    const cut = frames.cut(new TurnwiseError('draining')).map((text) => JSON.parse(text.slice(6)));
    expect(cut).toEqual([
      { type: 'TEXT_MESSAGE_END', messageId: 'm1-100001' },
      {
        type: 'RUN_ERROR',
        message: 'This replica is shutting down.',
        code: 'draining',
        metadata: { retryable: true, turn_id: 't1', session_id: 'c' },
      },
    ]);
  },
);
