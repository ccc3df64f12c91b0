import type { Conversations } from '../../conversation/conversations.ts';
import { textOf } from '../../conversation/parts.ts';
import type { Message, SessionRef } from '../../conversation/session.ts';
import { type ErrorCode, hasCode, TurnwiseError } from '../../errors.ts';
import { decodeEcho, messageIdOf } from './ui-echo.ts';
import type { UiChatBody, UiMessage } from './ui-schemas.ts';

/** How many messages are searched for one that a request names. */
export const LOOKS_BACK = 100;

/**
 * What `regenerate-message` means. Clients also send it to try again after an error: then the question that they show last
 * is not in the history, and nothing there may be replaced for it.
 *
 * @returns false when the question was never answered, so that it is a new turn
 * @throws invalid_request: it means an earlier turn
 */
export async function meansLastTurn(
  conversations: Conversations,
  session: SessionRef,
  { messageId, message, messages }: Pick<UiChatBody, 'messageId' | 'message' | 'messages'>,
): Promise<boolean> {
  const last = message ?? messages?.at(-1);
  const question = last?.role === 'user' ? last : undefined;
  // The running turn first: should it end meanwhile, the history has it.
  if (question?.id !== undefined && (await isRunning(conversations, session, question.id))) return true;
  const stored = await unless('session_not_found', conversations.messages(session, LOOKS_BACK, null));
  const history = stored?.messages ?? [];
  const from = history.findLastIndex(({ role }) => role === 'user');
  const [earlier, latest] = [history.slice(0, Math.max(from, 0)), history.slice(Math.max(from, 0))];
  const named = [messageId, question?.id].filter((id) => id !== undefined);
  if (named.some((id) => latest.some((one) => isNamed(one, id)))) return true;
  if (named.some((id) => earlier.some((one) => isNamed(one, id)))) {
    throw new TurnwiseError('invalid_request', {
      message: 'messageId: only the last answer can be made anew',
    });
  }
  return question === undefined || (from !== -1 && textOf(latest[0]?.parts ?? []) === saidIn(question));
}

async function isRunning(conversations: Conversations, session: SessionRef, id: string): Promise<boolean> {
  const turn = await conversations.active(session);
  const found = turn && (await unless('turn_not_found', conversations.find(turn)));
  return found !== null && decodeEcho(found.echo).asks === id;
}

function isNamed({ id, turnId, receipt }: Message, name: string): boolean {
  const echo = decodeEcho(receipt?.echo ?? '');
  return [id, echo.asks, messageIdOf(turnId, echo)].includes(name);
}

function saidIn({ parts }: UiMessage): string {
  return parts.map(({ type, text }) => (type === 'text' && typeof text === 'string' ? text : '')).join('');
}

/** @returns null when it fails with this code. @throws any other error */
export async function unless<T>(code: ErrorCode, asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (hasCode(error, code)) return null;
    throw error;
  }
}
