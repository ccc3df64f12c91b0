/**
 * The one rule for the end of an answer, as two tables. Text counts as text whatever came before it; a complete answer
 * is kept whatever comes after it; half an answer is never complete. `docs/models.md` shows both; a test compares.
 */

/**
 * What an answer has contained so far. Content is text or a tool call; reasoning and usage change nothing.
 *
 * `empty`: no content, no finish reason. `open`: content, no finish reason after it. `reopened`: content after a finish
 * reason. `finished`: a finish reason after the content. `finished-empty`: a finish reason, no content. `filtered`: a
 * filter's finish reason, no content. `broken`: an error.
 */
export const ANSWER_STATES = [
  'empty',
  'open',
  'reopened',
  'finished',
  'finished-empty',
  'filtered',
  'broken',
] as const;
export type AnswerState = (typeof ANSWER_STATES)[number];

/** `failure`: a finish reason that says the answer broke off. `error`: an error in place of a chunk. */
export const ANSWER_ITEMS = ['content', 'finish', 'filter', 'failure', 'error'] as const;
export type AnswerItem = (typeof ANSWER_ITEMS)[number];

/** The next state, by state and item. */
export const NEXT_STATE: Readonly<Record<AnswerState, Readonly<Record<AnswerItem, AnswerState>>>> = {
  empty: {
    content: 'open',
    finish: 'finished-empty',
    filter: 'filtered',
    failure: 'broken',
    error: 'broken',
  },
  open: { content: 'open', finish: 'finished', filter: 'finished', failure: 'broken', error: 'broken' },
  reopened: {
    content: 'reopened',
    finish: 'finished',
    filter: 'finished',
    failure: 'broken',
    error: 'broken',
  },
  finished: {
    content: 'reopened',
    finish: 'finished',
    filter: 'finished',
    failure: 'finished',
    error: 'finished',
  },
  'finished-empty': {
    content: 'reopened',
    finish: 'finished-empty',
    filter: 'filtered',
    failure: 'broken',
    error: 'broken',
  },
  filtered: {
    content: 'reopened',
    finish: 'filtered',
    filter: 'filtered',
    failure: 'filtered',
    error: 'filtered',
  },
  broken: { content: 'broken', finish: 'broken', filter: 'broken', failure: 'broken', error: 'broken' },
};

/**
 * How reading ended. `done`: `[DONE]`, or a whole body that is not a stream. `closed`: the body ended as HTTP says it
 * does. `reset`: the connection broke. `silent`: nothing more came in time.
 */
export const STREAM_ENDS = ['done', 'closed', 'reset', 'silent'] as const;
export type StreamEnd = (typeof STREAM_ENDS)[number];

/** `complete` is an answer; `refused` is model_refused, `timeout` model_timeout, the rest model_error. */
export type Verdict = 'complete' | 'cut' | 'empty' | 'refused' | 'timeout' | 'broken';

/** What becomes of the answer, by state and end. */
export const VERDICTS: Readonly<Record<AnswerState, Readonly<Record<StreamEnd, Verdict>>>> = {
  empty: { done: 'empty', closed: 'cut', reset: 'cut', silent: 'timeout' },
  open: { done: 'complete', closed: 'cut', reset: 'cut', silent: 'timeout' },
  reopened: { done: 'complete', closed: 'complete', reset: 'cut', silent: 'timeout' },
  finished: { done: 'complete', closed: 'complete', reset: 'complete', silent: 'complete' },
  'finished-empty': { done: 'empty', closed: 'empty', reset: 'empty', silent: 'empty' },
  filtered: { done: 'refused', closed: 'refused', reset: 'refused', silent: 'refused' },
  broken: { done: 'broken', closed: 'broken', reset: 'broken', silent: 'broken' },
};

/** Names that servers give to an answer that a filter ended. */
const FILTERS = new Set([
  'content_filter',
  'content_filtered',
  'sensitive',
  'safety',
  'refusal',
  'recitation',
  'prohibited_content',
  'blocklist',
  'spii',
  'guardrail_intervened',
]);

/** `insufficient_system_resource` is DeepSeek's, `abort` vLLM's, `network_error` Zhipu's, `malformed_…` Gemini's. */
const FAILURE = /error|fail|abort|cancel|interrupt|timeout|timed_out|insufficient|unavailable|malformed/;

/** Which item a finish reason is: an unknown one ends the answer like `stop`. */
export function itemOfReason(reason: string): AnswerItem {
  const name = reason.toLowerCase();
  if (FILTERS.has(name)) return 'filter';
  return FAILURE.test(name) ? 'failure' : 'finish';
}
