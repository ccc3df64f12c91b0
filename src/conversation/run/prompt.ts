import type { Input } from '../input.ts';
import { isPlainText, type Part, textOf } from '../parts.ts';
import type { PromptMessage, TokenCounter } from '../ports/model.ts';
import type { History, Message } from '../session.ts';

/** What a message costs beyond its text: role and separators. An estimate that is safe for known models. */
const MESSAGE_OVERHEAD_TOKENS = 4;

/** Messages fetched at once when more fit than the replica was sent. */
const PAGE = 128;

export interface PromptLimits {
  readonly systemPrompt: string | undefined;
  readonly contextTokens: number;
  /** Tokens that an image or a file counts as. */
  readonly imageTokens: number;
  readonly counter: TokenCounter;
}

/** Reads older messages: those from a place up to where the given history begins. */
type ReadOlder = (history: History, from: number) => Promise<readonly Message[]>;

/** What a model may be shown, before it is turned into messages. */
export interface Prompt {
  readonly system: string | undefined;
  /** Whole turns of the history, oldest first: each is kept or left out as a whole. */
  readonly turns: readonly (readonly Message[])[];
  readonly input: Input;
}

/** @returns whether a message can be asked at all: alone with the system prompt it fits the context */
export async function fitsAlone(input: Input, limits: PromptLimits): Promise<boolean> {
  const messages = [...systemOf(limits), ...partsOf(input)];
  return surelyFits(messages, limits) || (await countAll(messages, limits)) <= limits.contextTokens;
}

/**
 * System prompt, as much history as fits, and the new input. History is kept in whole turns, newest first; what does
 * not fit stays stored.
 *
 * @param historyTokens  most that the history may take, where less than the context is known to fit
 */
export async function buildPrompt(
  history: History,
  input: Input,
  limits: PromptLimits,
  readOlder: ReadOlder,
  historyTokens: number = Number.POSITIVE_INFINITY,
): Promise<Prompt> {
  const prompt = { system: limits.systemPrompt, input };
  const fixed = [...systemOf(limits), ...partsOf(input)];
  const stored = history.messages.map((message) => message.parts);
  const isWhole = history.from <= history.dropped;
  if (isWhole && historyTokens > limits.contextTokens && surelyFits([...fixed, ...stored], limits)) {
    return { ...prompt, turns: wholeTurns(history, false) };
  }

  let left = Math.min(historyTokens, limits.contextTokens - (await countAll(fixed, limits)));
  const kept: (readonly Message[])[] = [];
  for (let page = history; ; ) {
    const turns = wholeTurns(page, page.from > page.dropped);
    for (const turn of turns.toReversed()) {
      left -= await tokensOfTurn(turn, limits);
      if (left < 0) return { ...prompt, turns: kept.toReversed() };
      kept.push(turn);
    }
    if (page.from <= page.dropped) return { ...prompt, turns: kept.toReversed() };
    page = await olderPage(page, turns, readOlder);
  }
}

/** Tokens of a whole prompt, by our count. */
export async function promptTokensOf(prompt: Prompt, limits: PromptLimits): Promise<number> {
  const fixed = await countAll([...systemOf(limits), ...partsOf(prompt.input)], limits);
  return fixed + (await historyTokensOf(prompt, limits));
}

/** Tokens of a prompt's history, by our count. */
export async function historyTokensOf(prompt: Prompt, limits: PromptLimits): Promise<number> {
  let tokens = 0;
  for (const turn of prompt.turns) tokens += await tokensOfTurn(turn, limits);
  return tokens;
}

/** The prompt without its oldest turns, so that its history takes no more than this many tokens. */
export async function shorten(prompt: Prompt, historyTokens: number, limits: PromptLimits): Promise<Prompt> {
  let left = historyTokens;
  const kept: (readonly Message[])[] = [];
  for (const turn of prompt.turns.toReversed()) {
    left -= await tokensOfTurn(turn, limits);
    if (left < 0) break;
    kept.push(turn);
  }
  return { ...prompt, turns: kept.toReversed() };
}

/**
 * The prompt as messages that strict servers accept: none is blank, no call is without its result and no result without
 * its call, and no message of the model comes before the first of a user. The history itself is unchanged.
 */
export function messagesOf({ system, turns, input }: Prompt): readonly PromptMessage[] {
  const before = turns.flat().map(({ role, parts }): PromptMessage => ({ role, parts }));
  const said = withoutLooseCalls([...before, ...input])
    .map((message) => ({ ...message, parts: message.parts.filter(isShown) }))
    .filter(({ parts }) => parts.length > 0);
  const first = said.findIndex(({ role }) => role === 'user');
  const shown = said.slice(Math.max(first, 0));
  if (system === undefined || isBlank(system)) return shown;
  return [{ role: 'system', parts: [{ type: 'text', text: system }] }, ...shown];
}

export function isBlank(text: string): boolean {
  return text.trim() === '';
}

function isShown(part: Part): boolean {
  if (part.type === 'reasoning' || part.type === 'removed') return false;
  return part.type !== 'text' || !isBlank(part.text);
}

/** A call and its result belong together: a model refuses either without the other. */
function withoutLooseCalls(messages: readonly PromptMessage[]): readonly PromptMessage[] {
  const parts = messages.flatMap((message) => message.parts);
  const idsOf = (type: 'function_call' | 'function_result') =>
    new Set(parts.flatMap((part) => (part.type === type ? [part.callId] : [])));
  const [calls, results] = [idsOf('function_call'), idsOf('function_result')];
  if (calls.size === 0 && results.size === 0) return messages;
  return messages.map((message) => ({
    ...message,
    parts: message.parts.filter((part) => {
      if (part.type === 'function_call') return results.has(part.callId);
      return part.type !== 'function_result' || calls.has(part.callId);
    }),
  }));
}

function partsOf(input: Input): readonly (readonly Part[])[] {
  return input.map(({ parts }) => parts);
}

function systemOf({ systemPrompt }: PromptLimits): readonly (readonly Part[])[] {
  return systemPrompt === undefined ? [] : [[{ type: 'text', text: systemPrompt }]];
}

/** The page before; it ends where the oldest complete turn begins. */
async function olderPage(
  page: History,
  seen: readonly (readonly Message[])[],
  readOlder: ReadOlder,
): Promise<History> {
  const seenCount = seen.reduce((sum, turn) => sum + turn.length, 0);
  const cut = page.messages.length - seenCount;
  const from = Math.max(page.dropped, page.from - PAGE);
  const older = await readOlder(page, from);
  return { ...page, from, messages: [...older, ...page.messages.slice(0, cut)] };
}

/**
 * Turns in order; the first is left out when its beginning may lie before the page. A turn that begins with the result
 * of a caller's tool is one with the turn before it, which holds the call.
 */
function wholeTurns(page: History, mayBeCut: boolean): Message[][] {
  const turns: Message[][] = [];
  for (const message of page.messages) {
    const last = turns.at(-1);
    const isMore = last?.at(-1)?.turnId === message.turnId || message.role === 'tool';
    if (last !== undefined && isMore) last.push(message);
    else turns.push([message]);
  }
  return mayBeCut ? turns.slice(1) : turns;
}

/** The text of a message that counts as tokens, and how many images and files it has. */
function measured(parts: readonly Part[]): { text: string; media: number } {
  if (isPlainText(parts)) return { text: textOf(parts), media: 0 };
  let [text, media] = ['', 0];
  for (const part of parts) {
    if (part.type === 'text') text += part.text;
    else if (part.type === 'function_call') text += part.name + part.arguments;
    else if (part.type === 'function_result') text += part.output;
    else if (part.type === 'image' || part.type === 'file') media += 1;
  }
  return { text, media };
}

/** No token is shorter than a byte, so what is short enough in bytes need not be counted. */
function surelyFits(messages: readonly (readonly Part[])[], limits: PromptLimits): boolean {
  let most = messages.length * MESSAGE_OVERHEAD_TOKENS;
  for (const parts of messages) {
    const { text, media } = measured(parts);
    most += Buffer.byteLength(text) + media * limits.imageTokens;
    if (most > limits.contextTokens) return false;
  }
  return true;
}

async function countAll(messages: readonly (readonly Part[])[], limits: PromptLimits): Promise<number> {
  let tokens = messages.length * MESSAGE_OVERHEAD_TOKENS;
  for (const parts of messages) {
    const { text, media } = measured(parts);
    tokens += (await limits.counter.count(text)) + media * limits.imageTokens;
  }
  return tokens;
}

/** Token counts of messages that are still in memory, by counter: a message never changes. */
const counted = new WeakMap<TokenCounter, WeakMap<Message, number>>();

async function tokensOfTurn(turn: readonly Message[], limits: PromptLimits): Promise<number> {
  const known = counted.get(limits.counter) ?? new WeakMap<Message, number>();
  counted.set(limits.counter, known);
  let tokens = 0;
  for (const message of turn) {
    const own = known.get(message) ?? (await countAll([message.parts], limits));
    known.set(message, own);
    tokens += own;
  }
  return tokens;
}
