import type { Message, MessagePage } from '../client/shapes.ts';
import type { Conversation } from './app-state.ts';

/** The conversation with the newest page of its history, joined to what is known when the two meet. */
export function withNewest(conversation: Conversation, page: MessagePage): Conversation {
  const first = page.messages[0];
  const meets = conversation.messages.findIndex((message) => message.id === first?.id);
  const isJoined = meets !== -1;
  const known = isJoined ? conversation.messages.slice(0, meets) : [];
  const stored = new Set(page.messages.map((message) => message.turn_id));
  return {
    ...conversation,
    status: 'ready',
    errorCode: null,
    // One that was told as failed may have been stored all the same.
    turns: conversation.turns.filter((turn) => turn.phase !== 'failed' || !stored.has(turn.turnId ?? '')),
    messages: [...known, ...keepSame(conversation.messages, page.messages)],
    hasOlder: isJoined ? conversation.hasOlder : page.has_more,
  };
}

export function withOlder(conversation: Conversation, page: MessagePage): Conversation {
  return {
    ...conversation,
    messages: [...page.messages, ...conversation.messages],
    hasOlder: page.has_more,
    isLoadingOlder: false,
  };
}

/** What did not change stays the same object, so that it is not rendered again. */
function keepSame(known: readonly Message[], fresh: readonly Message[]): Message[] {
  const byId = new Map(known.map((message) => [message.id, message]));
  return fresh.map((message) => {
    const same = byId.get(message.id);
    return same !== undefined && same.content === message.content && same.turn_id === message.turn_id
      ? same
      : message;
  });
}
