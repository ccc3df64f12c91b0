import { expect } from 'vitest';
import { userInput } from '../../src/conversation/input.ts';
import type { Part } from '../../src/conversation/parts.ts';
import { buildPrompt, messagesOf, type PromptLimits, shorten } from '../../src/conversation/run/prompt.ts';
import type { History, Message, Role } from '../../src/conversation/session.ts';
import { promise } from './promises.ts';

/** One token per character, so that the sums are readable. */
const limits = (contextTokens: number): PromptLimits => ({
  systemPrompt: 'sys',
  contextTokens,
  imageTokens: 50,
  counter: { count: async (text) => text.length },
});

let number = 0;
function message(turnId: string, role: Role, parts: readonly Part[] | string): Message {
  number += 1;
  return {
    ...{ id: `m1-${number}`, turnId, role, createdAtMs: 0, truncated: false },
    parts: typeof parts === 'string' ? [{ type: 'text', text: parts }] : parts,
  };
}

function historyOf(messages: readonly Message[]): History {
  return { epoch: '1', generation: '0', from: 0, dropped: 0, messages, messageCount: messages.length };
}

const input = userInput('now');
const shown = (prompt: Parameters<typeof messagesOf>[0]) =>
  messagesOf(prompt).map(({ role, parts }) => [
    role,
    parts.map((part) => (part.type === 'text' ? part.text : part.type)).join('+'),
  ]);
const build = (messages: readonly Message[], tokens: number) =>
  buildPrompt(historyOf(messages), input, limits(tokens), async () => []);

promise(
  'prompt.whole-turns',
  'history that does not fit is dropped by whole turns, oldest first, and a call keeps its result',
  async () => {
    const call: Part = { type: 'function_call', callId: 'c', name: 'now', arguments: '{"zone":"utc"}' };
    const result: Part = { type: 'function_result', callId: 'c', output: 'noon', isError: false };
    const messages = [
      message('a', 'user', 'old question'),
      message('a', 'assistant', 'old answer'),
      message('b', 'user', 'what time?'),
      message('b', 'assistant', [call]),
      message('b', 'tool', [result]),
      message('b', 'assistant', 'Noon.'),
    ];
    const all = [
      ['system', 'sys'],
      ['user', 'old question'],
      ['assistant', 'old answer'],
      ['user', 'what time?'],
      ['assistant', 'function_call'],
      ['tool', 'function_result'],
      ['assistant', 'Noon.'],
      ['user', 'now'],
    ];
    expect(shown(await build(messages, 1000))).toEqual(all);
    expect(shown(await build(messages, 80))).toEqual([all[0], ...all.slice(3)]);
    // The turn with the call is dropped whole.
    expect(shown(await build(messages, 40))).toEqual([all[0], all[7]]);
    const whole = await build(messages, 1000);
    expect(shown(await shorten(whole, 0, limits(1000)))).toEqual([all[0], all[7]]);
  },
);

promise(
  'prompt.strict',
  'no prompt has a blank message, reasoning, an unmatched call or result, or an answer before the first question',
  async () => {
    const call: Part = { type: 'function_call', callId: 'lost', name: 'now', arguments: '{}' };
    const result: Part = { type: 'function_result', callId: 'other', output: 'x', isError: false };
    const messages = [
      message('a', 'assistant', 'alone'),
      message('b', 'user', ' '),
      message('b', 'assistant', [{ type: 'reasoning', text: 'hm' }]),
      message('c', 'user', 'question'),
      message('c', 'assistant', [{ type: 'reasoning', text: 'hm' }, { type: 'text', text: 'answer' }, call]),
      message('d', 'tool', [result]),
    ];
    expect(shown(await build(messages, 1000))).toEqual([
      ['system', 'sys'],
      ['user', 'question'],
      ['assistant', 'answer'],
      ['user', 'now'],
    ]);
  },
);

promise(
  'prompt.media',
  'an image counts as IMAGE_TOKENS everywhere, so history with images is dropped in time',
  async () => {
    const image: Part = { type: 'image', imageUrl: `data:image/png;base64,${'A'.repeat(5000)}` };
    const messages = [
      message('a', 'user', [{ type: 'text', text: 'see' }, image]),
      message('a', 'assistant', 'seen'),
      message('b', 'user', 'plain'),
      message('b', 'assistant', 'answer'),
    ];
    expect(shown(await build(messages, 120))).toHaveLength(6);
    expect(shown(await build(messages, 80)).map(([, text]) => text)).toEqual([
      'sys',
      'plain',
      'answer',
      'now',
    ]);
  },
);
