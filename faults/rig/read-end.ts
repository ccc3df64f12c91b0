import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, call } from '../../testkit/http/http.ts';
import { openStream } from '../../testkit/http/sse.ts';
import { getMessages, getSession, type MessageBody, type TurnBody } from '../../testkit/server/api.ts';
import type { ReplicaEnd, SeenEvent, SessionEnd, StoredMessage, TurnEnd } from '../checker/story.ts';
import type { Place } from './client.ts';

/** Retries until a reply is not a transient error. */
async function insist<Body>(ask: () => Promise<Answer<Body>>, what: string): Promise<Answer<Body>> {
  const until = performance.now() + 15_000;
  for (;;) {
    try {
      const answer = await ask();
      if (answer.status !== 503) return answer;
    } catch (error) {
      if (performance.now() > until) throw new Error(`${what} cannot be read`, { cause: error });
    }
    if (performance.now() > until) throw new Error(`${what} cannot be read: 503 for 15 s`);
    await sleep(100);
  }
}

export async function turnStatus(place: Place, session: string, turnId: string): Promise<TurnEnd> {
  const path = `/api/sessions/${session}/turns/${turnId}`;
  const { status, body } = await insist(() => call<TurnBody>(place.url, 'GET', path), path);
  if (status === 404) return { turnId, status: 'gone', reply: null, log: null };
  if (status !== 200) throw new Error(`${path} answers ${status} ${JSON.stringify(body)}`);
  return { turnId, status: body.status as TurnEnd['status'], reply: body.reply, log: null };
}

/** The final state of a session, as one replica reports it. */
export async function readSession(
  place: Place,
  session: string,
  turnIds: readonly string[],
): Promise<SessionEnd> {
  const answer = await insist(() => getSession(place, session), session);
  if (answer.status !== 200 && answer.status !== 404) {
    throw new Error(`${session} answers ${answer.status} ${JSON.stringify(answer.body)}`);
  }
  const meta =
    answer.status === 404
      ? null
      : {
          messageCount: answer.body.message_count,
          expiresInMs: Date.parse(answer.body.expires_at) - Date.now(),
        };
  const messages = meta === null ? [] : await readMessages(place, session);
  const turns: TurnEnd[] = [];
  for (const turnId of turnIds) {
    const turn = await turnStatus(place, session, turnId);
    turns.push({ ...turn, log: turn.status === 'gone' ? null : await readLog(place, session, turnId) });
  }
  return { session, meta, messages, turns, afterExpiry: null };
}

async function readMessages(place: Place, session: string): Promise<readonly StoredMessage[]> {
  const pages: StoredMessage[][] = [];
  for (let before = ''; ; ) {
    const query = `limit=1000${before === '' ? '' : `&before=${before}`}`;
    const { status, body } = await insist(() => getMessages(place, session, query), session);
    if (status !== 200) throw new Error(`messages of ${session} answer ${status}`);
    pages.unshift(body.messages.map(asStored));
    const first = body.messages[0];
    if (!body.has_more || first === undefined) return pages.flat();
    before = first.id;
  }
}

function asStored(message: MessageBody): StoredMessage {
  const { turn_id: turnId, role, content } = message;
  return { turnId, role, content, isTruncated: message.truncated === true };
}

/** A busy machine may be slow to begin; a log that yields nothing is a finding. */
const READERS = 3;

/** The events that a late reader of a turn gets; null when it is refused. */
async function readLog(place: Place, session: string, turnId: string): Promise<readonly SeenEvent[] | null> {
  const url = `${place.url}/api/sessions/${session}/turns/${turnId}/stream`;
  let seen: readonly SeenEvent[] | null = null;
  for (let tries = 0; tries < READERS; tries += 1) {
    const reader = await openStream(url, { signal: AbortSignal.timeout(3000) }).catch(() => null);
    if (reader === null) continue;
    if (reader.status !== 200) return null;
    await reader.all(3000).catch(() => undefined);
    seen = reader.events.map(({ id, event, data }) => ({ id: id ?? '', event, data }));
    if (seen.length > 0) break;
  }
  return seen;
}

/** What a replica holds by its own metrics, once it holds nothing or two seconds have passed. */
export async function readReplica(place: Place): Promise<ReplicaEnd> {
  let end: ReplicaEnd = { name: place.name, liveTurns: null, openStreams: null };
  for (let tries = 0; tries < 40; tries += 1) {
    try {
      const { status, body } = await call<string>(
        place.url,
        'GET',
        '/metrics',
        undefined,
        {},
        { timeoutMs: 2000 },
      );
      if (status !== 200) return end;
      end = {
        name: place.name,
        liveTurns: metric(body, 'turnwise_live_turns'),
        openStreams: metric(body, 'turnwise_open_streams'),
      };
    } catch {
      return end;
    }
    if ((end.liveTurns ?? 0) === 0 && (end.openStreams ?? 0) === 0) return end;
    await sleep(50);
  }
  return end;
}

export function metric(text: string, name: string): number | null {
  const found = new RegExp(`^${name} (\\S+)$`, 'm').exec(text);
  return found === null ? null : Number(found[1]);
}
