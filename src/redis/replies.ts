import type { Beat, Grant } from '../conversation/ports.ts';
import type { History, SessionRef } from '../conversation/session.ts';
import { isStopKind } from '../conversation/turn.ts';
import { decodeMessage } from './message-codec.ts';

/** What a script answers: a word and what belongs to it, as its header says. */
export class ScriptReply {
  readonly word: string;
  readonly #parts: readonly unknown[];

  constructor(raw: unknown) {
    this.#parts = Array.isArray(raw) ? raw : [raw];
    this.word = String(this.#parts[0]);
  }

  text(index: number): string {
    const part = this.#parts[index];
    return part === null || part === undefined ? '' : String(part);
  }

  number(index: number): number {
    return Number(this.text(index));
  }

  texts(index: number): readonly string[] {
    const part = this.#parts[index];
    return Array.isArray(part) ? part.map(String) : [];
  }

  /** A word that the script's header does not name: code and script are not of one build. */
  unexpected(script: string): never {
    throw new Error(`${script} answered ${this.word}`);
  }
}

/** Parts 2 to 8 of GRANTED: fence, attempt, epoch, count, dropped, place of the first message, messages. */
export function grantOf(session: SessionRef, reply: ScriptReply): Grant {
  const history: History = {
    epoch: reply.text(4),
    messageCount: reply.number(5),
    dropped: reply.number(6),
    from: reply.number(7),
    messages: reply.texts(8).map((text) => decodeMessage(session, text)),
  };
  return { fence: reply.text(2), attempt: reply.number(3), history };
}

export function beatOf(reply: ScriptReply): Beat {
  switch (reply.word) {
    case 'OK': {
      const stop = reply.text(1);
      return { kind: 'ok', stop: isStopKind(stop) ? stop : null };
    }
    case 'GONE':
      return { kind: 'gone' };
    case 'FENCED':
      return { kind: 'fenced' };
    case 'ENDED':
      return { kind: 'ended' };
    default:
      return reply.unexpected('beat-turn');
  }
}
