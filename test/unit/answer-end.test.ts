import { expect } from 'vitest';
import {
  ANSWER_ITEMS,
  ANSWER_STATES,
  NEXT_STATE,
  STREAM_ENDS,
  VERDICTS,
} from '../../src/model/answer-end.ts';
import { AnswerReader } from '../../src/model/answer-reader.ts';
import { tableUnder } from '../support/markdown.ts';
import { readSource } from '../support/source-files.ts';
import { promise } from './promises.ts';

promise('docs.models.end', 'docs/models.md has every cell of the rule for the end of an answer', () => {
  const page = readSource('docs/models.md');
  const code = (text: string) => `\`${text}\``;
  const states = ANSWER_STATES.map((state) => [
    code(state),
    ...ANSWER_ITEMS.map((item) => NEXT_STATE[state][item]),
  ]);
  expect(tableUnder(page, 'When is an answer complete?')).toEqual(states);
  const ends = page.text.split('What the state comes to')[1] ?? '';
  const rows = [...ends.matchAll(/^\| (`[\w-]+`) \| (.+) \|$/gm)].map(([, state, cells = '']) => [
    state,
    ...cells.split(' | '),
  ]);
  expect(rows.slice(0, ANSWER_STATES.length)).toEqual(
    ANSWER_STATES.map((state) => [code(state), ...STREAM_ENDS.map((end) => VERDICTS[state][end])]),
  );
});

/** Items of a stream, as a server sends them. */
const ITEMS = {
  text: { choices: [{ index: 0, delta: { content: 'x' }, finish_reason: null }] },
  thought: { choices: [{ index: 0, delta: { reasoning_content: 'hm' }, finish_reason: null }] },
  call: { choices: [{ index: 0, delta: { tool_calls: [{ index: 0, id: 'c', function: { name: 'f' } }] } }] },
  stop: { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
  filter: { choices: [{ index: 0, delta: {}, finish_reason: 'content_filter' }] },
  failure: { choices: [{ index: 0, delta: {}, finish_reason: 'error' }] },
  error: { error: { message: 'x', code: 'overloaded' } },
  usage: { choices: [], usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } },
  done: '[DONE]',
} as const;
type Item = keyof typeof ITEMS;
const NAMES = Object.keys(ITEMS) as Item[];

/** Ways in which a body without `[DONE]` ends. */
const ENDS = ['closed', 'reset', 'silent'] as const;

/** The rule in words, derived from the order alone, independently of the reader. */
function expectedOf(order: readonly Item[], end: (typeof ENDS)[number]): string {
  const doneAt = order.indexOf('done');
  const read = doneAt < 0 ? order : order.slice(0, doneAt);
  const isContent = (item: Item) => item === 'text' || item === 'call';
  const isReason = (item: Item) => item === 'stop' || item === 'filter';
  let [hasContent, isClosed, hadReason, isFiltered] = [false, false, false, false];
  for (const item of read) {
    if (isContent(item)) [hasContent, isClosed] = [true, false];
    else if (isReason(item)) {
      [isClosed, hadReason] = [true, true];
      if (!hasContent && item === 'filter') isFiltered = true;
    } else if (item === 'error' || item === 'failure') {
      // Complete or refused already: later items do not change that.
      if (!(isClosed && (hasContent || isFiltered))) return 'model_error';
    }
  }
  if (!hasContent) {
    if (isFiltered) return 'model_refused';
    if (hadReason || doneAt >= 0) return 'model_error';
    return end === 'silent' ? 'model_timeout' : 'model_error';
  }
  if (isClosed || doneAt >= 0) return 'complete';
  // Content after a finish reason: a body that ends properly has all of it.
  if (end === 'closed' && hadReason) return 'complete';
  return end === 'silent' ? 'model_timeout' : 'model_error';
}

/** @returns the code, or `complete` and the received text */
function play(order: readonly Item[], end: (typeof ENDS)[number]): string {
  const heard: string[] = [];
  const reader = new AnswerReader((part) => {
    if (part.type === 'text') heard.push(part.text);
  }, 10_000);
  for (const item of order) {
    const value = ITEMS[item];
    void reader.feed(Buffer.from(`data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`));
    if (reader.isBroken) break;
  }
  if (end === 'closed') void reader.close();
  try {
    reader.end(end);
    return `complete ${heard.length}`;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'model_error';
  }
}

function* orders(length: number): Generator<readonly Item[]> {
  if (length === 0) yield [];
  else for (const order of orders(length - 1)) for (const item of NAMES) yield [...order, item];
}

promise(
  'model.end.every-order',
  'in every order of text, thoughts, calls, reasons, errors, usage and [DONE], before every end, a whole answer is whole and half of one is not',
  () => {
    let played = 0;
    for (let length = 0; length <= 5; length += 1) {
      for (const order of orders(length)) {
        for (const end of ENDS) {
          const expected = expectedOf(order, end);
          const doneAt = order.indexOf('done');
          const texts = (doneAt < 0 ? order : order.slice(0, doneAt)).filter(
            (item) => item === 'text',
          ).length;
          const found = play(order, end);
          const wanted = expected === 'complete' ? `complete ${texts}` : expected;
          if (found !== wanted) expect([order.join(' '), end, found]).toEqual([order.join(' '), end, wanted]);
          played += 1;
        }
      }
    }
    console.info(`${played} orders`);
    expect(played).toBeGreaterThan(190_000);
  },
);
