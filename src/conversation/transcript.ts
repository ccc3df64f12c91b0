import type { TurnEvent } from './events.ts';
import { type Part, pushPart } from './parts.ts';
import type { Role } from './session.ts';

/** A message of an answer, before it is stored. */
export interface AnswerMessage {
  readonly role: Exclude<Role, 'user'>;
  readonly parts: readonly Part[];
}

/**
 * Folds the events of a turn into what its last attempt has said. The only such fold: a running turn, an end from the
 * log and a JSON reply all use it.
 */
export class Transcript {
  #parts: Part[] = [];
  /** The text or reasoning in progress, in pieces: joined when it is needed. */
  #open: { readonly type: 'text' | 'reasoning'; readonly pieces: string[] } | null = null;
  #textLength = 0;

  add(event: TurnEvent): void {
    switch (event.type) {
      case 'delta':
        this.#textLength += event.content.length;
        this.#say('text', event.content);
        return;
      case 'reasoning':
        this.#say('reasoning', event.content);
        return;
      case 'tool_call':
        this.#put({
          type: 'function_call',
          callId: event.callId,
          name: event.name,
          arguments: event.arguments,
        });
        return;
      case 'tool_result':
        this.#put({
          type: 'function_result',
          callId: event.callId,
          output: event.output,
          isError: event.isError,
        });
        return;
      // What an earlier attempt said is not part of the answer.
      case 'restarted':
        [this.#parts, this.#open, this.#textLength] = [[], null, 0];
        return;
      default:
    }
  }

  /** Characters of text so far. */
  get textLength(): number {
    return this.#textLength;
  }

  get parts(): readonly Part[] {
    this.#close();
    return this.#parts;
  }

  /** There is no text, call or result; reasoning alone does not count. */
  get isEmpty(): boolean {
    return this.parts.every((part) => part.type === 'reasoning');
  }

  /** Its messages in the history: one of the assistant, or several with the results of tools between them. */
  messages(options: { readonly keepsReasoning: boolean }): readonly AnswerMessage[] {
    const messages: { role: AnswerMessage['role']; parts: Part[] }[] = [];
    for (const part of this.parts) {
      if (part.type === 'reasoning' && !options.keepsReasoning) continue;
      const role = part.type === 'function_result' ? 'tool' : 'assistant';
      const last = messages.at(-1);
      // Each result is a message of its own.
      if (last?.role === role && role === 'assistant') pushPart(last.parts, part);
      else messages.push({ role, parts: [part] });
    }
    return messages;
  }

  #say(type: 'text' | 'reasoning', piece: string): void {
    if (this.#open?.type !== type) {
      this.#close();
      this.#open = { type, pieces: [] };
    }
    this.#open.pieces.push(piece);
  }

  #put(part: Part): void {
    this.#close();
    this.#parts.push(part);
  }

  #close(): void {
    if (this.#open === null) return;
    const { type, pieces } = this.#open;
    this.#open = null;
    // Joined with what was read in the middle of it.
    pushPart(this.#parts, { type, text: pieces.join('') });
  }
}
