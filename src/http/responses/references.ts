import { type Caller, sessionOf } from '../../conversation/caller.ts';
import type { Input, InputMessage } from '../../conversation/input.ts';
import { hasCode } from '../../errors.ts';
import type { HttpDeps } from '../http-deps.ts';
import { itemNotFound } from './error-table.ts';
import { parseItemId } from './ids.ts';
import type { ItemReference } from './parse-input.ts';
import { type StoredItem, storedItems } from './stored-items.ts';

/**
 * The input with the stored items that it names by their ids, each in its place.
 *
 * @throws item_not_found: the caller has no such item
 */
export async function withReferences(
  { conversations }: Pick<HttpDeps, 'conversations'>,
  caller: Caller,
  input: Input,
  references: readonly ItemReference[],
): Promise<Input> {
  if (references.length === 0) return input;
  const known = new Map<string, readonly StoredItem[]>();
  const whole: InputMessage[] = [];
  let taken = 0;
  for (const { itemId, path, at } of references) {
    whole.push(...input.slice(taken, at));
    taken = at;
    const place = parseItemId(itemId);
    if (place === null) throw itemNotFound(path);
    // Reasoning may be shown and not stored, and no model is told of it anyway.
    if (place.type === 'reasoning') continue;
    const { conversationId } = place;
    const items = known.get(conversationId) ?? (await itemsOf(conversationId, path));
    known.set(conversationId, items);
    const item = items.find(({ id }) => id === itemId);
    if (item === undefined) throw itemNotFound(path);
    add(whole, item.said);
  }
  return [...whole, ...input.slice(taken)];

  async function itemsOf(conversationId: string, path: string): Promise<readonly StoredItem[]> {
    const session = sessionOf(caller, conversationId);
    try {
      return storedItems(session, await conversations.history(session));
    } catch (error) {
      throw hasCode(error, 'session_not_found') ? itemNotFound(path) : error;
    }
  }
}

/** What one message of the history holds becomes one message again. */
function add(messages: InputMessage[], said: InputMessage): void {
  const last = messages.at(-1);
  const isCall = said.parts[0]?.type === 'function_call';
  if (last?.role === 'assistant' && isCall) {
    messages[messages.length - 1] = { ...last, parts: [...last.parts, ...said.parts] };
  } else messages.push(said);
}
