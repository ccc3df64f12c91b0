import { failureFromJson, failureToJson, usageFromJson, usageToJson } from '../../conversation/events.ts';
import { type Input, type InputMessage, userInput } from '../../conversation/input.ts';
import { isPlainText, partToJson, textOf } from '../../conversation/parts.ts';
import type { StepUsage, StoredTurn } from '../../conversation/ports/turns.ts';
import {
  type HistoryUse,
  hasEnded,
  TURN_STATUSES,
  type TurnFailure,
  type TurnOptions,
  type TurnProfile,
  type TurnRef,
} from '../../conversation/turn.ts';
import type { Usage } from '../../conversation/usage.ts';
import { parseArray, parseObject } from '../json.ts';
import { corrupt, isRole, partsFrom } from '../sessions/message-codec.ts';
import { LAST_TIME_MS, wholeNumber } from '../whole-number.ts';

/** More messages than one commit ever adds. */
const MOST_COMMITTED = 1_000_000;

/** Fields of a turn's hash, as they are read. */
export type TurnFields = Readonly<Record<string, string>>;

/**
 * @param position  turns ahead, while it waits
 * @throws corrupt_session
 */
export function decodeTurn(
  { session, turnId }: TurnRef,
  fields: TurnFields,
  position: number | null,
): StoredTurn {
  const status = TURN_STATUSES.find((known) => known === fields.status);
  const createdAtMs = wholeNumber(fields.created_at, LAST_TIME_MS);
  const attempt = wholeNumber(fields.attempt ?? '0');
  const input = inputOf(fields);
  if (status === undefined || createdAtMs === null || attempt === null || input === null) {
    throw corrupt(session, `the record of turn ${turnId} cannot be read`);
  }
  return {
    input,
    profile: decodeProfile(fields),
    fence: fields.fence ?? null,
    committedCount: wholeNumber(fields.messages, MOST_COMMITTED) ?? 0,
    record: {
      turnId,
      conversationId: session.conversationId,
      status,
      attempt,
      position: status === 'queued' ? position : null,
      kept: hasEnded(status) ? fields.kept === '1' : null,
      finishReason: fields.finish_reason ?? null,
      usage: decodeUsage(fields.usage ?? ''),
      failure: failureFromJson(parseObject(fields.error ?? '')),
      messageCount: wholeNumber(fields.message_count),
      createdAtMs,
      startedAtMs: wholeNumber(fields.started_at, LAST_TIME_MS),
      endedAtMs: wholeNumber(fields.ended_at, LAST_TIME_MS),
    },
  };
}

/** The messages of a turn, without those that were revoked (empty); null when they cannot be read. */
function inputOf(fields: TurnFields): Input | null {
  // Each message that joined is a field of its own: a greater number was not written by us.
  const joined = wholeNumber(fields.joined ?? '0', Object.keys(fields).length);
  if (fields.message === undefined || joined === null) return null;
  const joiners = Array.from({ length: joined }, (_, index) => fields[`message:${index + 1}`] ?? '');
  return [fields.message, ...joiners].filter((stored) => stored !== '').flatMap(decodeInput);
}

/** Usage of each call of the model, as JSON; empty when none reported it. */
export function encodeUsage(steps: readonly StepUsage[]): string {
  if (steps.length === 0) return '';
  return JSON.stringify(
    steps.map((usage) => ({ attempt: usage.attempt, step: usage.step, ...usageToJson(usage) })),
  );
}

/** The sum over all calls; null when none reported its usage. */
function decodeUsage(text: string): Usage | null {
  const steps = (parseArray(text) ?? []).flatMap((step) => usageFromJson(step) ?? []);
  if (steps.length === 0) return null;
  const sum = (of: (usage: Usage) => number) => steps.reduce((total, usage) => total + of(usage), 0);
  return {
    promptTokens: sum((usage) => usage.promptTokens),
    completionTokens: sum((usage) => usage.completionTokens),
    totalTokens: sum((usage) => usage.totalTokens),
  };
}

/** @returns JSON; empty for none */
export function encodeFailure(failure: TurnFailure | null): string {
  return failure === null ? '' : JSON.stringify(failureToJson(failure));
}

/** How an input begins that is more than a text; a text that begins so itself is written in the long form. */
const MESSAGES = 'messages';
const MARK = `["${MESSAGES}"`;

/**
 * What a caller said, as a field of its turn: a user's text as it is, anything else as the JSON
 * `["messages",{"role":…,"parts":[…]},…]`.
 */
export function encodeInput(input: Input): string {
  const [first, ...more] = input;
  if (first?.role === 'user' && more.length === 0 && isPlainText(first.parts)) {
    const text = textOf(first.parts);
    if (text !== '' && !text.startsWith(MARK)) return text;
  }
  const messages = input.map(({ role, parts }) => ({ role, parts: parts.map(partToJson) }));
  return JSON.stringify([MESSAGES, ...messages]);
}

/** @returns the stored text itself when it cannot be read: an operator may have edited it */
export function decodeInput(stored: string): Input {
  const values = stored.startsWith(MARK) ? parseArray(stored)?.slice(1) : undefined;
  const messages = (values ?? []).flatMap((value) => messageFrom(value) ?? []);
  if (values !== undefined && messages.length === values.length) return messages;
  return userInput(stored);
}

function messageFrom(value: unknown): InputMessage | null {
  const { role, parts } = isObject(value) ? value : {};
  const read = Array.isArray(parts) ? partsFrom(parts) : null;
  return isRole(role) && read !== null ? { role, parts: read } : null;
}

/** How a turn is to be run, as fields of its record; `options` is JSON, empty for none. */
export interface ProfileFields {
  readonly agent: string;
  readonly model: string;
  readonly door: string;
  readonly on_disconnect: string;
  readonly options: string;
  readonly echo: string;
}

export function encodeProfile(profile: TurnProfile): ProfileFields {
  const { agent, model, door, onDisconnect, options, echo } = profile;
  return { agent, model, door, on_disconnect: onDisconnect, options: encodeOptions(options), echo };
}

export function decodeProfile(fields: Partial<ProfileFields>): TurnProfile {
  return {
    agent: fields.agent ?? '',
    model: fields.model ?? '',
    door: fields.door ?? '',
    onDisconnect: fields.on_disconnect === 'cancel' ? 'cancel' : 'continue',
    options: decodeOptions(fields.options ?? ''),
    echo: fields.echo ?? '',
  };
}

function encodeOptions({ instructions, context, parameters, tools, history }: TurnOptions): string {
  const set = { instructions, context, parameters, tools, history };
  return Object.values(set).every((value) => value === undefined) ? '' : JSON.stringify(set);
}

/** What cannot be read is ignored: an operator can write anything into a field. */
function decodeOptions(text: string): TurnOptions {
  const { instructions, context, parameters, tools, history } = parseObject(text) ?? {};
  const use = historyUseFrom(history);
  return {
    ...(typeof instructions === 'string' ? { instructions } : {}),
    ...(typeof context === 'string' ? { context } : {}),
    ...(isObject(parameters) ? { parameters } : {}),
    ...(Array.isArray(tools) ? { tools } : {}),
    ...(use === null ? {} : { history: use }),
  };
}

function historyUseFrom(value: unknown): HistoryUse | null {
  if (!isObject(value)) return null;
  const { kind, after, items, turn_id: turnId, of, until } = value;
  switch (kind) {
    case 'resent':
      return typeof after === 'string' ? { kind, after } : null;
    case 'regenerate':
    case 'append':
      return { kind };
    case 'remove':
      return Array.isArray(items) ? { kind, items: items.map(String) } : null;
    case 'forget':
      return typeof turnId === 'string' ? { kind, turn_id: turnId } : null;
    case 'fork':
      return typeof of === 'string' && typeof until === 'string' ? { kind, of, until } : null;
    default:
      return null;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
