import { TurnwiseError } from '../errors.ts';
import { askUnstored, type UnstoredRequest } from './admit/ask-unstored.ts';
import { type Extension, extendHistory } from './admit/extend-history.ts';
import { type CountTurn, type Submitted, submitTurn } from './admit/submit-turn.ts';
import type { TurnRequest } from './admit/turn-request.ts';
import type { Caller } from './caller.ts';
import { cancelTurn } from './end/cancel-turn.ts';
import type { EventId } from './events.ts';
import type { Input } from './input.ts';
import type { Core } from './ports/core.ts';
import type { ListOrder, MessagePage, SessionPage } from './ports/sessions.ts';
import { type CountRequest, countTokens } from './read/count-tokens.ts';
import { findTurn } from './read/find-turn.ts';
import { followTurn, hasAllEvents } from './read/follow-turn.ts';
import { messagesOfTurn } from './read/messages-of-turn.ts';
import type { TurnSource } from './read/turn-source.ts';
import { wholeHistory } from './read/whole-history.ts';
import type { Message, Metadata, SessionRef, SessionSummary } from './session.ts';
import type { AnsweredTurn, TurnRef } from './turn.ts';

/** The only entry to the core: everything that a dialect can ask of it. */
export class Conversations {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Accepts a turn; when this returns, it will be answered. @throws as submitTurn */
  submit(request: TurnRequest, count: CountTurn | null = null): Promise<Submitted> {
    return submitTurn(this.#core, request, count);
  }

  /** Answers a question without storing anything. @throws as askUnstored */
  unstored(request: UnstoredRequest, count: CountTurn | null = null): Promise<TurnSource> {
    return askUnstored(this.#core, request, count);
  }

  /** The tokens that a question would take. @throws as countTokens */
  countTokens(request: CountRequest): Promise<number> {
    return countTokens(this.#core, request);
  }

  /** What is new in a history that a caller sends as a whole. @throws corrupt_session, redis_unavailable */
  extend(session: SessionRef, sent: Input): Promise<Extension> {
    return extendHistory(this.#core, session, sent);
  }

  /** The events of a stored turn. */
  source(turn: TurnRef): TurnSource {
    return {
      turn,
      isStored: true,
      follow: (after, shows, reader, signal) => followTurn(this.#core, turn, after, shows, reader, signal),
    };
  }

  /** @throws turn_not_found */
  async find(turn: TurnRef): Promise<AnsweredTurn> {
    const stored = await findTurn(this.#core, turn);
    const { record, input, profile } = stored;
    return { ...record, input, echo: profile.echo, reply: await this.#core.store.reply(turn, stored) };
  }

  /** The running turn of a session, else the one that waits longest; null when there is none. */
  active(session: SessionRef): Promise<TurnRef | null> {
    return this.#core.store.active(session);
  }

  /** Whether a turn has ended and a reader has all of it. @throws turn_not_found */
  hasAll(turn: TurnRef, after: EventId): Promise<boolean> {
    return hasAllEvents(this.#core, turn, after);
  }

  /** Cancels a turn and returns it once it has ended. @throws turn_not_found, redis_unavailable */
  async cancel(turn: TurnRef): Promise<AnsweredTurn> {
    await cancelTurn(this.#core, turn);
    return this.find(turn);
  }

  /** The models that a request may choose from, the default first. */
  models(): readonly string[] {
    return this.#core.agents.models;
  }

  sessions(caller: Caller, limit: number, cursor: string | null, order?: ListOrder): Promise<SessionPage> {
    return this.#core.sessions.list(caller.owner, limit, cursor, order);
  }

  /** Where a list goes on after a session. @throws session_not_found */
  async cursorOf(session: SessionRef): Promise<string> {
    return found(await this.#core.sessions.cursorOf(session));
  }

  /** All messages that are stored of a session, oldest first. @throws session_not_found */
  async history(session: SessionRef): Promise<readonly Message[]> {
    const newest = found(await this.#core.sessions.history(session));
    return (await wholeHistory(this.#core, session, newest)).messages;
  }

  /** @throws session_not_found */
  async session(session: SessionRef): Promise<SessionSummary> {
    return found(await this.#core.sessions.summary(session));
  }

  /** @throws session_not_found, invalid_request */
  async rename(session: SessionRef, title: string): Promise<SessionSummary> {
    if (!title.isWellFormed()) {
      throw new TurnwiseError('invalid_request', { message: 'title holds a lone surrogate' });
    }
    return found(await this.#core.sessions.describe(session, { title }));
  }

  /** @throws session_not_found */
  async annotate(session: SessionRef, metadata: Metadata): Promise<SessionSummary> {
    return found(await this.#core.sessions.describe(session, { metadata }));
  }

  /** Makes a session before its first turn. */
  async create(session: SessionRef, ownerAsGiven: string, metadata: Metadata): Promise<SessionSummary> {
    const ttlMs = this.#core.limits.sessionTtlMs;
    await this.#core.sessions.create(session, { ownerAsGiven, metadata, ttlMs });
    return this.session(session);
  }

  /** What is stored of a turn's messages and its receipt, oldest first. @throws turn_not_found */
  turnMessages(turn: TurnRef): Promise<readonly Message[]> {
    return messagesOfTurn(this.#core, turn);
  }

  /** Ends its turns as well. @throws session_not_found */
  async remove(session: SessionRef): Promise<void> {
    if (!(await this.#core.sessions.remove(session))) throw new TurnwiseError('session_not_found');
  }

  /** @throws session_not_found */
  async messages(session: SessionRef, limit: number, before: string | null): Promise<MessagePage> {
    return found(await this.#core.sessions.messages(session, limit, before));
  }

  /** A reader's stream was cut, but the turn may go on. */
  reportFailedStream(error: unknown, turn: TurnRef): void {
    this.#core.observer.failed('turn_stream', error, turn);
  }
}

function found<T>(value: T | null): T {
  if (value === null) throw new TurnwiseError('session_not_found');
  return value;
}
