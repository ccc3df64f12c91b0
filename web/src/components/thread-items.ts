import type { Message } from '../client/shapes.ts';
import type { LiveTurn } from '../state/live-turn.ts';

/** One message of a thread: from the history, or of a turn that is not history yet. */
export interface Item {
  /** Stays the same when a live turn becomes history. */
  readonly key: string;
  readonly role: Message['role'];
  readonly message: Message | null;
  readonly turnKey: string | null;
  /** For a user's: which of the turn's own messages. For others: 0 is the first answer of its turn. */
  readonly at: number;
}

/** What of the live turns decides which items there are: the same text, the same items. */
export function shapeOf(turns: readonly LiveTurn[]): string {
  return turns.map((turn) => `${turn.key} ${turn.said.length} ${turn.turnId ?? ''}`).join(',');
}

/** The items of a thread: its history from a place on, then its live turns as `shapeOf` tells them. */
export function itemsOf(
  messages: readonly Message[],
  keyOf: Readonly<Record<string, string>>,
  shape: string,
  from: number,
): Item[] {
  const turns = shape === '' ? [] : shape.split(',').map((turn) => turn.split(' '));
  // The history may know a turn before its stream told the end.
  const live = new Set(turns.map(([, , turnId]) => turnId));
  const stored = storedItems(messages, keyOf).slice(from);
  return [
    ...stored.filter(({ message }) => !live.has(message?.turn_id)),
    ...turns.flatMap(([key = '', count]) => liveItems(key, Number(count))),
  ];
}

function storedItems(messages: readonly Message[], keyOf: Readonly<Record<string, string>>): Item[] {
  let turnId = '';
  let at = 0;
  let isAnswered = false;
  return messages.map((message) => {
    const isSameTurn = message.turn_id === turnId;
    turnId = message.turn_id;
    at = isSameTurn ? at + 1 : 0;
    const isFirstAnswer = message.role === 'assistant' && !(isSameTurn && isAnswered);
    isAnswered = message.role === 'assistant' || (isSameTurn && isAnswered);
    const name = message.role === 'user' ? `said${at}` : isFirstAnswer ? 'answer' : message.id;
    const key = `${keyOf[turnId] ?? turnId} ${name}`;
    return { key, role: message.role, message, turnKey: null, at: isFirstAnswer ? 0 : at };
  });
}

function liveItems(turnKey: string, saidCount: number): Item[] {
  const said = Array.from({ length: saidCount }, (_, at): Item => {
    return { key: `${turnKey} said${at}`, role: 'user', message: null, turnKey, at };
  });
  return [...said, { key: `${turnKey} answer`, role: 'assistant', message: null, turnKey, at: 0 }];
}
