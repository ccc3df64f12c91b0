import { ANSWERS_AFTER, isConversationId, messageId } from '../../conversation/session.ts';

/** A response is a turn: its id holds the conversation and the turn, so that any replica finds it. */
export interface ResponsePlace {
  readonly conversationId: string;
  readonly turnId: string;
}

const TURN_ID = /^[A-Za-z0-9_-]{1,64}$/;

export function responseId({ conversationId, turnId }: ResponsePlace): string {
  return `resp_${Buffer.from(`${conversationId}/${turnId}`).toString('base64url')}`;
}

/** @returns null when the text is not an id that `responseId` makes */
export function parseResponseId(id: string): ResponsePlace | null {
  if (!id.startsWith('resp_')) return null;
  const text = Buffer.from(id.slice('resp_'.length), 'base64url').toString();
  const [conversationId = '', turnId = '', ...more] = text.split('/');
  if (more.length > 0 || !isConversationId(conversationId) || !TURN_ID.test(turnId)) return null;
  // Base64 has several spellings of some bytes; an id has one.
  return responseId({ conversationId, turnId }) === id ? { conversationId, turnId } : null;
}

const PREFIXES = {
  message: 'msg',
  function_call: 'fc',
  function_call_output: 'fco',
  reasoning: 'rs',
} as const;
export type ItemType = keyof typeof PREFIXES;

/**
 * The id of an item: its conversation, its message, and the number of its first part there. Some clients send the id of
 * an item in place of the item, and name no conversation.
 */
export function itemId(type: ItemType, conversationId: string, message: string, firstPart: number): string {
  return `${PREFIXES[type]}_${conversationId}-${message.slice(1)}-${firstPart}`;
}

const ITEM_ID = /^(msg|fc|fco|rs)_(.{1,128})-(\d{1,16}-\d{1,9})-(\d{1,6})$/;

export interface ItemPlace {
  readonly type: ItemType;
  readonly conversationId: string;
  readonly messageId: string;
  readonly firstPart: number;
}

/** @returns null when the text is not an id that `itemId` makes */
export function parseItemId(id: string): ItemPlace | null {
  const [, prefix, conversationId = '', message, firstPart] = ITEM_ID.exec(id) ?? [];
  const type = (Object.keys(PREFIXES) as ItemType[]).find((one) => PREFIXES[one] === prefix);
  if (type === undefined || message === undefined || !isConversationId(conversationId)) return null;
  return { type, conversationId, messageId: `m${message}`, firstPart: Number(firstPart) };
}

/** The id that a message of an answer will have once it is stored. @param index  its place in the answer, from 0 */
export function answerMessageId(fence: number, index: number): string {
  return messageId(String(fence), ANSWERS_AFTER + 1 + index);
}
