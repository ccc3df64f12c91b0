import type { IncomingHttpHeaders } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { call, type ErrorBody } from '../../testkit/http/http.ts';
import { openStream, type SseReader } from '../../testkit/http/sse.ts';
import { textOf } from '../checker/answers.ts';
import { DOCUMENTED, OF_THE_BALANCER } from '../checker/documented.ts';
import type { End, OnBusy, Refusal, SeenEvent, Send } from '../checker/story.ts';

/** How a client behaves. */
export interface Manner {
  readonly route: 'json' | 'stream';
  readonly onBusy: OnBusy;
  readonly key: string | null;
  /** Resumes on another replica when its stream is cut. */
  readonly resumes: boolean;
  /** Total, resumptions included. */
  readonly deadlineMs: number;
  /** Disconnects after this many events; null: never. */
  readonly leavesAfter: number | null;
  /** Breaks its connection after this many events each time, and resumes on another replica. */
  readonly dropsAfter: readonly number[];
}

export const PATIENT: Manner = {
  route: 'stream',
  onBusy: 'enqueue',
  key: null,
  resumes: true,
  deadlineMs: 20_000,
  leavesAfter: null,
  dropsAfter: [],
};

export interface Place {
  readonly name: string;
  readonly url: string;
}

/** A request in flight; the parts are filled in as they arrive. */
export type OpenSend = { -readonly [Name in keyof Send]: Send[Name] } & { events: SeenEvent[] };

export function newSend(session: string, token: string, place: Place, manner: Manner): OpenSend {
  return {
    session,
    token,
    message: `say ${token} please`,
    onBusy: manner.onBusy,
    key: manner.key,
    route: manner.route,
    replica: place.name,
    sentAt: performance.now(),
    admittedAt: null,
    endedAt: null,
    turnId: null,
    events: [],
    end: { kind: 'hung' },
  };
}

/** Sends a message as a client does and follows the answer to its end; never throws. */
export async function liveThrough(
  send: OpenSend,
  place: Place,
  manner: Manner,
  others: () => readonly Place[],
): Promise<void> {
  const until = send.sentAt + manner.deadlineMs;
  try {
    send.end =
      manner.route === 'json'
        ? await askWhole(send, place, others, until)
        : await askStream(send, place, manner, others, until);
  } catch (error) {
    send.end = { kind: performance.now() >= until - 50 ? 'hung' : 'cut' };
    if (!isConnectionTrouble(error)) throw error;
  } finally {
    send.endedAt = performance.now();
  }
}

/** A client sees a fault as a broken, refused or silent connection; anything else is a bug in the rig. */
function isConnectionTrouble(error: unknown): boolean {
  const text = error instanceof Error ? `${error.message} ${'code' in error ? error.code : ''}` : '';
  return /ECONN|EPIPE|socket hang up|aborted|no answer in|no event in|abort/i.test(text);
}

function bodyOf(send: OpenSend): object {
  return { message: send.message, conversation_id: send.session, on_busy: send.onBusy };
}

function keyHeader(send: OpenSend): Record<string, string> {
  return send.key === null ? {} : { 'idempotency-key': send.key };
}

interface ChatAnswer extends Partial<ErrorBody> {
  readonly reply?: string;
  readonly turn_id?: string;
  readonly message_count?: number;
  readonly finish_reason?: string;
}

async function askWhole(
  send: OpenSend,
  place: Place,
  others: () => readonly Place[],
  until: number,
): Promise<End> {
  const timeoutMs = leftUntil(until);
  const answer = await call<ChatAnswer>(place.url, 'POST', '/api/chat', bodyOf(send), keyHeader(send), {
    timeoutMs,
  });
  const { body } = answer;
  // The turn that a busy reply names is another caller's.
  send.turnId = body.turn_id ?? (body.error?.code === 'session_busy' ? null : (body.error?.turn_id ?? null));
  if (answer.status !== 200) {
    // Its turn continues elsewhere, and the reply says where to read it.
    const goesOn = body.error?.code === 'draining' && body.error.stream_url !== undefined;
    return goesOn ? readOn(send, others, until) : { kind: 'error', ...refusalOf(answer) };
  }
  const [reply, messageCount] = [body.reply ?? '', body.message_count ?? -1];
  return body.finish_reason === 'cancelled'
    ? { kind: 'cancelled', reply, kept: null, messageCount }
    : { kind: 'done', reply, messageCount };
}

async function askStream(
  send: OpenSend,
  place: Place,
  manner: Manner,
  others: () => readonly Place[],
  until: number,
): Promise<End> {
  const reader = await openStream(`${place.url}/api/chat/stream`, {
    method: 'POST',
    body: bodyOf(send),
    headers: keyHeader(send),
    signal: AbortSignal.timeout(leftUntil(until)),
  });
  if (reader.status !== 200) return refusedStream(send, reader);
  send.admittedAt = performance.now();
  send.turnId = String(reader.headers['x-turn-id'] ?? '') || null;
  const drops = [...manner.dropsAfter];
  const end = await readEvents(send, reader, until, manner.leavesAfter ?? drops.shift() ?? null);
  if (end !== null && (end.kind !== 'left' || manner.leavesAfter !== null)) return end;
  return manner.resumes && send.turnId !== null ? readOn(send, others, until, drops) : { kind: 'cut' };
}

/** Resumes a cut stream, on whichever replica answers. */
async function readOn(
  send: OpenSend,
  others: () => readonly Place[],
  until: number,
  drops: number[] = [],
): Promise<End> {
  for (let tries = 0; performance.now() < until; tries += 1) {
    const places = others();
    const place = places[tries % Math.max(1, places.length)];
    if (place !== undefined) {
      const end = await readOnce(send, place, until, drops.shift() ?? null);
      if (end?.kind === 'left') continue;
      if (end !== null) return end;
    }
    await sleep(50);
  }
  return { kind: 'hung' };
}

async function readOnce(
  send: OpenSend,
  place: Place,
  until: number,
  dropsAfter: number | null,
): Promise<End | null> {
  const lastId = send.events.at(-1)?.id;
  const path = `/api/sessions/${send.session}/turns/${send.turnId}/stream`;
  try {
    const reader = await openStream(`${place.url}${path}`, {
      headers: lastId === undefined ? {} : { 'last-event-id': lastId },
      signal: AbortSignal.timeout(leftUntil(until)),
    });
    if (reader.status === 503) return null;
    if (reader.status === 204) return endOf(send, send.events.at(-1));
    if (reader.status !== 200) return await refusedStream(send, reader);
    return await readEvents(send, reader, until, dropsAfter);
  } catch (error) {
    if (!isConnectionTrouble(error)) throw error;
    return null;
  }
}

/** @returns null when it was cut */
async function readEvents(
  send: OpenSend,
  reader: SseReader,
  until: number,
  leavesAfter: number | null,
): Promise<End | null> {
  for (let seen = 1; ; seen += 1) {
    const event = await reader.next(leftUntil(until));
    if (event === undefined) return reader.ended === 'terminal' ? endOf(send, send.events.at(-1)) : null;
    send.events.push({ id: event.id ?? '', event: event.event, data: event.data });
    if (leavesAfter !== null && seen >= leavesAfter) {
      reader.destroy();
      return { kind: 'left' };
    }
  }
}

function endOf(send: OpenSend, last: SeenEvent | undefined): End {
  const data = last?.data ?? {};
  const [reply, messageCount] = [textOf(send.events), Number(data.message_count ?? -1)];
  if (last?.event === 'done') return { kind: 'done', reply, messageCount };
  if (last?.event === 'cancelled')
    return { kind: 'cancelled', reply, kept: data.kept === true, messageCount };
  if (last?.event === 'error') {
    const flaws = ['code', 'message', 'retryable', 'turn_id', 'session_id'].filter((name) => !(name in data));
    return {
      kind: 'error',
      status: null,
      code: String(data.code),
      flaws: flaws.map((name) => `without ${name}`),
      namesTurn: true,
    };
  }
  return { kind: 'cut' };
}

async function refusedStream(send: OpenSend, reader: SseReader): Promise<End> {
  const body = (await reader.json()) as Partial<ErrorBody>;
  send.turnId ??=
    body.error?.turn_id !== undefined && body.error.code !== 'session_busy' ? body.error.turn_id : null;
  return { kind: 'error', ...refusalOf({ status: reader.status, headers: reader.headers, body }) };
}

/** An error reply, and the flaws of its format. */
export function refusalOf(answer: {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Partial<ErrorBody>;
}): Refusal {
  const { status, headers } = answer;
  const error = typeof answer.body === 'object' ? answer.body?.error : undefined;
  const code = error?.code ?? `status ${status} without a code`;
  const flaws: string[] = [];
  if (typeof error?.message !== 'string' || error.message === '') flaws.push('without a message');
  const hasNoId = error?.request_id === null && OF_THE_BALANCER.has(code);
  if (typeof error?.request_id !== 'string' && !hasNoId) flaws.push('without a request_id');
  if (DOCUMENTED.get(code) !== status) flaws.push(`with status ${status}`);
  if ((status === 429 || status === 503) && headers['retry-after'] === undefined)
    flaws.push('without Retry-After');
  return { status, code, flaws, namesTurn: error?.turn_id !== undefined && code !== 'session_busy' };
}

/** Whole ms until then, at least 1. */
function leftUntil(until: number): number {
  return Math.max(1, Math.ceil(until - performance.now()));
}
