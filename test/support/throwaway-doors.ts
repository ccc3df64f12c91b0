import type { WebSocket } from '@fastify/websocket';
import { sessionOf } from '../../src/conversation/caller.ts';
import { BEFORE_ALL } from '../../src/conversation/events.ts';
import { type Input, userInput } from '../../src/conversation/input.ts';
import { textOf } from '../../src/conversation/parts.ts';
import type { OnBusy, TurnOptions, TurnRef } from '../../src/conversation/turn.ts';
import { ERRORS, type ErrorCode, TurnwiseError } from '../../src/errors.ts';
import { callerOf } from '../../src/http/callers.ts';
import { clientLeft } from '../../src/http/client-left.ts';
import { type AskedTurn, admit, announce } from '../../src/http/door/admit.ts';
import { type CollectedTurn, collectTurn } from '../../src/http/door/collect-turn.ts';
import type { Dialect, Door, ErrorTable, TurnFrames, TurnSink } from '../../src/http/door/dialect.ts';
import { SseSink, sseFrame } from '../../src/http/door/sse-sink.ts';
import { streamTurn } from '../../src/http/door/stream-turn.ts';
import { installErrorReplies, publicError } from '../../src/http/error-reply.ts';
import { NATIVE } from '../../src/http/native/native-dialect.ts';

/** Every code as 409 or 500, unlike our own statuses. */
const ODD_ERRORS: ErrorTable = Object.fromEntries(
  (Object.keys(ERRORS) as ErrorCode[]).map((code) => [code, { status: ERRORS[code].retryable ? 409 : 500 }]),
) as Record<ErrorCode, { status: number }>;

/** Numbers what it shows from 1, so a number must never mean two things; resumes after a number. */
const NUMBERED: Dialect = {
  door: 'numbered',
  shows: 'once-logged',
  onDisconnect: 'cancel',
  errors: ODD_ERRORS,
  errorBody: ({ code }) => ({ problem: code }),
  frames(_turn, has): TurnFrames {
    const shown = Number(has ?? 0);
    let count = 0;
    const numbered = (what: string, text = '') => {
      count += 1;
      return count <= shown ? [] : [sseFrame({ data: JSON.stringify({ n: count, what, text }) })];
    };
    return {
      // From the first event on, where the numbers begin.
      after: BEFORE_ALL,
      of({ event }) {
        switch (event.type) {
          case 'delta':
            return numbered('say', event.content);
          case 'restarted':
            return numbered('again');
          case 'done':
          case 'cancelled':
          case 'error':
            return [...numbered(event.type), 'data: [DONE]\n\n'];
          default:
            return [];
        }
      },
      cut: ({ code }) => [sseFrame({ data: JSON.stringify({ problem: code }) })],
    };
  },
};

function asked(query: { readonly id?: string; readonly text?: string }): AskedTurn {
  if (query.text === undefined) throw new TurnwiseError('invalid_request', { message: 'text is missing' });
  return {
    conversationId: query.id ?? null,
    input: userInput(query.text),
    onBusy: 'reject',
    model: null,
    options: {},
    idempotencyKey: null,
  };
}

interface Query {
  readonly id?: string;
  readonly text?: string;
  readonly turn?: string;
  readonly after?: string;
}

/** `POST /numbered?id=&text=` asks; `GET /numbered?id=&turn=&after=` reads on. */
export const numberedDoor: Door = (deps, readers) => async (app) => {
  installErrorReplies(app, NUMBERED);
  app.post<{ Querystring: Query }>('/numbered', { sse: 'manual' }, async (request, reply) => {
    const sink = new SseSink(reply);
    const { turn } = await admit(deps, NUMBERED, callerOf(request), asked(request.query));
    announce(reply, turn);
    await streamTurn(
      deps,
      readers,
      NUMBERED,
      deps.conversations.source(turn),
      NUMBERED.frames(turn, null),
      sink,
    );
  });
  app.get<{ Querystring: Query }>('/numbered', { sse: 'manual' }, async (request, reply) => {
    const { id = '', turn: turnId = '', after = null } = request.query;
    const turn = { session: { owner: callerOf(request).owner, conversationId: id }, turnId };
    await deps.conversations.find(turn);
    const frames = NUMBERED.frames(turn, after);
    await streamTurn(deps, readers, NUMBERED, deps.conversations.source(turn), frames, new SseSink(reply));
  });
};

/** JSON messages over a WebSocket. */
const TALK: Dialect = {
  door: 'talk',
  shows: 'as-said',
  onDisconnect: null,
  errors: ODD_ERRORS,
  errorBody: ({ code }) => ({ problem: code }),
  frames: () => ({
    after: BEFORE_ALL,
    of: ({ event }) => (event.type === 'delta' ? [event.content] : event.type === 'done' ? ['(done)'] : []),
    cut: ({ code }) => [`(${code})`],
  }),
};

class SocketSink implements TurnSink {
  readonly #socket: WebSocket;
  readonly #left = new AbortController();

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.once('close', () => this.#left.abort());
  }

  get signal(): AbortSignal {
    return this.#left.signal;
  }

  readonly isOpen = true;

  open(): void {}

  cancel(): void {}

  send(frames: readonly string[]): void {
    for (const frame of frames) this.#socket.send(frame);
  }
}

/** `/talk?id=`: each message asks, and is answered on the same socket. */
export const talkDoor: Door = (deps, readers) => async (app) => {
  app.get<{ Querystring: Query }>('/talk', { websocket: true }, (socket, request) => {
    const sink = new SocketSink(socket);
    socket.on('message', (text: Buffer) => {
      const answer = async () => {
        const query = { ...request.query, text: text.toString() };
        const { turn } = await admit(deps, TALK, callerOf(request), asked(query));
        await streamTurn(deps, readers, TALK, deps.conversations.source(turn), TALK.frames(turn, null), sink);
      };
      answer().catch((error: unknown) => {
        sink.send([JSON.stringify(TALK.errorBody(publicError(error), null))]);
      });
    });
  });
};

interface UseBody {
  readonly id: string;
  readonly input?: Input;
  readonly options?: TurnOptions;
  readonly echo?: string;
  readonly follows?: string;
  readonly onBusy?: OnBusy;
}

/** `POST /use`: a turn in the words of the core, answered whole. `/use/resent` and `/use/unstored` likewise. */
export const useDoor: Door = (deps) => async (app) => {
  installErrorReplies(app, NATIVE);
  const { conversations } = deps;
  const askedFor = ({ id, input = [], options = {}, onBusy, ...more }: UseBody): AskedTurn => ({
    ...{ conversationId: id, input, options, onBusy: onBusy ?? null, model: null, idempotencyKey: null },
    ...more,
  });
  const reply = (collected: CollectedTurn | null, turn: TurnRef) => ({
    text: textOf(collected?.parts ?? []),
    calls: collected?.parts.flatMap((part) => (part.type === 'function_call' ? [part.callId] : [])),
    session_id: turn.session.conversationId,
    turn_id: turn.turnId,
    end: collected?.end,
  });
  app.post<{ Body: UseBody }>('/use', async (request, raw) => {
    const { turn } = await admit(deps, NATIVE, callerOf(request), askedFor(request.body));
    return reply(await collectTurn(conversations.source(turn), clientLeft(raw)), turn);
  });
  app.post<{ Body: UseBody }>('/use/resent', async (request, raw) => {
    const { id, input = [] } = request.body;
    const caller = callerOf(request);
    const session = sessionOf(caller, id);
    const found = await conversations.extend(session, input);
    if (found.kind === 'unrelated') {
      const question = { owner: caller.owner, history: null, input, model: null, options: {}, door: 'use' };
      const source = await conversations.unstored(question);
      return { ...reply(await collectTurn(source, clientLeft(raw)), source.turn), stored: false };
    }
    const options = { history: found.history };
    const asked = askedFor({ ...request.body, input: found.input, options });
    const { turn } = await admit(deps, NATIVE, caller, asked);
    return { ...reply(await collectTurn(conversations.source(turn), clientLeft(raw)), turn), stored: true };
  });
  app.get<{ Params: { id: string; turn: string } }>('/use/:id/:turn', async (request) => {
    const { id, turn: turnId } = request.params;
    return conversations.turnMessages({ session: sessionOf(callerOf(request), id), turnId });
  });
};
