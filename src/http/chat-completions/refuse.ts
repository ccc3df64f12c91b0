import type { TSchema } from 'typebox';
import Schema from 'typebox/schema';
import { TurnwiseError } from '../../errors.ts';
import { DECLINED } from './request-schema.ts';

const PARTS = ['text', 'image_url', 'file', 'refusal'];

/**
 * Refuses by name what is part of the protocol but not of this door, before the schema would refuse it by a rule.
 *
 * @throws invalid_request
 */
export function refuseDeclined(body: unknown): void {
  const fields = fieldsOf(body);
  for (const [name, schema] of Object.entries<TSchema & { description?: string }>(DECLINED)) {
    if (!Schema.Check(schema, fields[name] ?? null)) throw refused(name, name, schema.description);
  }
  for (const [at, tool] of itemsOf(fields.tools)) {
    const { type } = fieldsOf(tool);
    if (isOther(type, ['function'])) throw refused(`tools[${at}]`, `a tool of type ${type}`);
  }
  const { type: choice } = fieldsOf(fields.tool_choice);
  if (isOther(choice, ['function', 'allowed_tools']))
    throw refused('tool_choice', `a choice of type ${choice}`);
  for (const [at, message] of itemsOf(fields.messages)) refuseInMessage(fieldsOf(message), `messages[${at}]`);
}

function refuseInMessage({ role, content, audio, function_call, tool_calls }: Fields, place: string): void {
  if (role === 'function') throw refused(place, 'a message of role function', 'use tool');
  if ((audio ?? null) !== null) throw refused(`${place}.audio`, 'audio');
  if ((function_call ?? null) !== null)
    throw refused(`${place}.function_call`, 'function_call', 'use tool_calls');
  for (const [at, part] of itemsOf(content)) {
    const { type, file } = fieldsOf(part);
    const where = `${place}.content[${at}]`;
    if (isOther(type, PARTS)) throw refused(where, `a part of type ${type}`);
    if ((fieldsOf(file).file_id ?? null) !== null) {
      throw refused(`${where}.file.file_id`, 'file_id', 'send the file as file_data');
    }
  }
  for (const [at, call] of itemsOf(tool_calls)) {
    const { type } = fieldsOf(call);
    if (isOther(type, ['function'])) throw refused(`${place}.tool_calls[${at}]`, `a call of type ${type}`);
  }
}

/** A word that this door does not know; what is no word at all is for the schema. */
function isOther(type: unknown, known: readonly string[]): type is string {
  return typeof type === 'string' && /^\w{1,40}$/.test(type) && !known.includes(type);
}

function refused(param: string, what: string, hint?: string): TurnwiseError {
  const message = `${what} is not supported${hint === undefined ? '' : `: ${hint}`}`;
  return new TurnwiseError('invalid_request', { message, details: { param } });
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function itemsOf(value: unknown): Iterable<[number, unknown]> {
  return (Array.isArray(value) ? (value as unknown[]) : []).entries();
}
