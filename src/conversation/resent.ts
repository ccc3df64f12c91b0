import type { Input, InputMessage } from './input.ts';
import { textOf } from './parts.ts';
import { isAnswer, type Message } from './session.ts';

/** What is compared of a message: its role with its text, or the id of a call or a result. */
interface Atom {
  readonly kind: 'user' | 'assistant' | 'call' | 'result';
  text: string;
  /** Only its beginning may be known to the other side. */
  readonly isTruncated: boolean;
  /** The message that it is in. */
  at: number;
}

/**
 * Compares a history that a caller sent with the stored one: roles, text and ids of calls. Reasoning is skipped, and so
 * are the calls of our own tools, which callers do not repeat; of a truncated answer the caller may have any beginning.
 *
 * @param isWhole  false: the oldest messages are no longer stored, so the stored history may begin within the sent one
 * @returns the messages that follow the stored ones; null when there are none, or the two differ
 */
export function newIn(stored: readonly Message[], sent: Input, isWhole = true): Input | null {
  const own = ownCalls(stored);
  const theirs = atomsOf(sent, own);
  const ours = atomsOf(stored, own);
  for (let first = 0; first < Math.max(theirs.length, 1); first += 1) {
    const end = matchFrom(ours, theirs, first);
    if (end !== null) return restFrom(theirs, end, sent);
    if (isWhole) return null;
  }
  return null;
}

/** @returns the place after the last atom that matched; null when one did not */
function matchFrom(ours: readonly Atom[], theirs: readonly Atom[], first: number): number | null {
  let place = first;
  for (const our of ours) {
    const their = theirs[place];
    if (their !== undefined && isSame(our, their)) place += 1;
    else if (!our.isTruncated || their === undefined || their.kind === 'assistant') return null;
  }
  return place;
}

function isSame(our: Atom, their: Atom): boolean {
  if (our.kind !== their.kind) return false;
  const [one, other] = [our.text.trim(), their.text.trim()];
  return one === other || (our.isTruncated && (one.startsWith(other) || other.startsWith(one)));
}

function restFrom(theirs: readonly Atom[], end: number, sent: Input): Input | null {
  const next = theirs[end];
  // A message of which only a part is new would have to be split.
  if (next === undefined || theirs[end - 1]?.at === next.at) return null;
  return sent.slice(next.at);
}

/** Calls that were answered within their turn: by tools of the server. */
function ownCalls(stored: readonly Message[]): ReadonlySet<string> {
  const results = stored.filter((message) => message.role === 'tool' && isAnswer(message));
  return new Set(
    results.flatMap(({ parts }) =>
      parts.flatMap((part) => (part.type === 'function_result' ? [part.callId] : [])),
    ),
  );
}

function atomsOf(messages: readonly (InputMessage | Message)[], own: ReadonlySet<string>): readonly Atom[] {
  const atoms: Atom[] = [];
  messages.forEach((message, at) => {
    const isTruncated = 'truncated' in message && message.truncated;
    const text = textOf(message.parts);
    const last = atoms.at(-1);
    if (message.role === 'assistant' && last?.kind === 'assistant' && text !== '') {
      [last.text, last.at] = [last.text + text, at];
    } else if (message.role === 'user' || (message.role === 'assistant' && text !== '')) {
      atoms.push({ kind: message.role, text, isTruncated, at });
    }
    for (const part of message.parts) {
      if (part.type !== 'function_call' && part.type !== 'function_result') continue;
      const kind = part.type === 'function_call' ? 'call' : 'result';
      if (!own.has(part.callId)) atoms.push({ kind, text: part.callId, isTruncated: false, at });
    }
  });
  return atoms;
}
