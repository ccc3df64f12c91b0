import { type Part, textOf, textParts } from './parts.ts';
import type { Role } from './session.ts';

/** A message of a request. The result of a caller's tool has the role `tool`. */
export interface InputMessage {
  readonly role: Role;
  readonly parts: readonly Part[];
}

/** What one caller said: mostly one message of a user, for a turn to answer. */
export type Input = readonly InputMessage[];

export function userInput(text: string): Input {
  return [{ role: 'user', parts: textParts(text) }];
}

/** The text of all its messages. */
export function textOfInput(input: Input): string {
  return input.map(({ parts }) => textOf(parts)).join('');
}

/** The text of the first message of a user: what a new session is named after. */
export function openingOf(input: Input): string {
  return textOf(input.find(({ role }) => role === 'user')?.parts ?? []);
}
