import type { PromptMessage, TokenCounter } from './ports.ts';
import type { History, Message } from './session.ts';

/** What a message costs beyond its text: role and separators. An estimate that is safe for known models. */
const MESSAGE_OVERHEAD_TOKENS = 4;

/** Messages fetched at once when more fit than the replica was sent. */
const PAGE = 32;

export interface PromptLimits {
  readonly systemPrompt: string | undefined;
  readonly contextTokens: number;
}

/** Reads older messages: those at places `from` up to where the given history begins. */
type ReadOlder = (history: History, from: number) => Promise<readonly Message[]>;

/** What a model may be shown, before it is written as messages. */
export interface Prompt {
  readonly system: string | undefined;
  /** Whole turns of the history, oldest first: one goes or stays as a whole. */
  readonly turns: readonly (readonly Message[])[];
  readonly userMessages: readonly string[];
}

/** @returns whether a message can be asked at all: alone with the system prompt within the context */
export async function fitsAlone(
  message: string,
  limits: PromptLimits,
  counter: TokenCounter,
): Promise<boolean> {
  const texts = [limits.systemPrompt ?? '', message];
  return surelyFits(texts, limits) || (await countAll(texts, counter)) <= limits.contextTokens;
}

/**
 * System prompt, as much history as fits, and what the user says now. History goes in whole turns, newest
 * kept; what does not fit stays stored.
 *
 * @param historyTokens  most that the history may take, where less than the context is known to fit
 */
export async function buildPrompt(
  history: History,
  userMessages: readonly string[],
  limits: PromptLimits,
  counter: TokenCounter,
  readOlder: ReadOlder,
  historyTokens: number = Number.POSITIVE_INFINITY,
): Promise<Prompt> {
  const prompt = { system: limits.systemPrompt, userMessages };
  const fixed = [limits.systemPrompt ?? [], userMessages].flat();
  const stored = history.messages.map((message) => message.content);
  const isWhole = history.from <= history.dropped;
  if (isWhole && historyTokens > limits.contextTokens && surelyFits([...fixed, ...stored], limits)) {
    return { ...prompt, turns: wholeTurns(history, false) };
  }

  let left = Math.min(historyTokens, limits.contextTokens - (await countAll(fixed, counter)));
  const kept: (readonly Message[])[] = [];
  for (let page = history; ; ) {
    const turns = wholeTurns(page, page.from > page.dropped);
    for (const turn of turns.toReversed()) {
      left -= await tokensOfTurn(turn, counter);
      if (left < 0) return { ...prompt, turns: kept.toReversed() };
      kept.push(turn);
    }
    if (page.from <= page.dropped) return { ...prompt, turns: kept.toReversed() };
    page = await olderPage(page, turns, readOlder);
  }
}

/** What the history of a prompt takes, by our count. */
export async function historyTokensOf(prompt: Prompt, counter: TokenCounter): Promise<number> {
  let tokens = 0;
  for (const turn of prompt.turns) tokens += await tokensOfTurn(turn, counter);
  return tokens;
}

/** The prompt with its oldest turns left out, so that its history takes no more than so many tokens. */
export async function shorten(prompt: Prompt, historyTokens: number, counter: TokenCounter): Promise<Prompt> {
  let left = historyTokens;
  const kept: (readonly Message[])[] = [];
  for (const turn of prompt.turns.toReversed()) {
    left -= await tokensOfTurn(turn, counter);
    if (left < 0) break;
    kept.push(turn);
  }
  return { ...prompt, turns: kept.toReversed() };
}

/**
 * The prompt as messages that strict servers take: none is blank, none of the model's stands before the first of the
 * user's. History itself stays as it is.
 */
export function messagesOf({ system, turns, userMessages }: Prompt): readonly PromptMessage[] {
  const before = turns.flat().flatMap((message): PromptMessage[] =>
    // Tool messages go along once agents have tools; a lone tool result would be refused by the model.
    message.role === 'tool' ? [] : [{ role: message.role, content: message.content }],
  );
  const now = userMessages.map((content): PromptMessage => ({ role: 'user', content }));
  const said = [...before, ...now].filter(({ content }) => !isBlank(content));
  const first = said.findIndex(({ role }) => role === 'user');
  const shown = said.slice(Math.max(first, 0));
  return system === undefined || isBlank(system) ? shown : [{ role: 'system', content: system }, ...shown];
}

export function isBlank(text: string): boolean {
  return text.trim() === '';
}

/** The page before: it ends where the oldest turn begins that was seen whole. */
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

/** Turns in order; the first is left out when its beginning may lie before the page. */
function wholeTurns(page: History, mayBeCut: boolean): Message[][] {
  const turns: Message[][] = [];
  for (const message of page.messages) {
    const last = turns.at(-1);
    if (last !== undefined && last[0]?.turnId === message.turnId) last.push(message);
    else turns.push([message]);
  }
  return mayBeCut ? turns.slice(1) : turns;
}

/** No token is shorter than a byte, so what is short enough in bytes need not be counted. */
function surelyFits(texts: readonly string[], limits: PromptLimits): boolean {
  let most = texts.length * MESSAGE_OVERHEAD_TOKENS;
  for (const text of texts) most += Buffer.byteLength(text);
  return most <= limits.contextTokens;
}

async function countAll(texts: readonly string[], counter: TokenCounter): Promise<number> {
  let tokens = texts.length * MESSAGE_OVERHEAD_TOKENS;
  for (const text of texts) tokens += await counter.count(text);
  return tokens;
}

/** Counts of messages that are still in memory; a message never changes. */
const counted = new WeakMap<Message, number>();

async function tokensOfTurn(turn: readonly Message[], counter: TokenCounter): Promise<number> {
  let tokens = 0;
  for (const message of turn) {
    const own = counted.get(message) ?? (await countAll([message.content], counter));
    counted.set(message, own);
    tokens += own;
  }
  return tokens;
}
