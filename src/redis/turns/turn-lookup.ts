import type { Part } from '../../conversation/parts.ts';
import type { StoredTurn } from '../../conversation/ports/turns.ts';
import { isAnswer, messageId, type SessionRef } from '../../conversation/session.ts';
import type { TurnRef } from '../../conversation/turn.ts';
import type { Keys } from '../keys.ts';
import { SCRIPTS } from '../scripts.ts';
import type { Client } from '../server/connect.ts';
import { answered } from '../server/failures.ts';
import { decodeMessage } from '../sessions/message-codec.ts';
import { decodeTurn, type TurnFields } from './turn-codec.ts';

/** After every message of one commit. */
const BEHIND_ALL = 999_999_999;

/** Reads a turn's record and, while it waits, its position in the queue. */
export async function findTurn(client: Client, keys: Keys, turn: TurnRef): Promise<StoredTurn | null> {
  const { meta, queue, turn: record } = keys.session(turn.session);
  const fields: TurnFields = await answered(client.hgetall(record(turn.turnId)));
  if (Object.keys(fields).length === 0) return null;
  if (fields.status !== 'queued') return decodeTurn(turn, fields, null);
  const [rank, running] = await answered(
    Promise.all([
      client.zrank(queue, `${turn.turnId}/${fields.replica ?? ''}`),
      client.hexists(meta, 'running'),
    ]),
  );
  return decodeTurn(turn, fields, rank === null ? 0 : rank + running);
}

/** The running turn, else the first that waits. */
export async function activeTurn(client: Client, keys: Keys, session: SessionRef): Promise<TurnRef | null> {
  const { meta, queue } = keys.session(session);
  const [running, [first = '']] = await answered(
    Promise.all([client.hget(meta, 'running'), client.zrange(queue, '0', '0')]),
  );
  const [waiting = ''] = first.split('/');
  const turnId = running ?? waiting;
  return turnId === '' ? null : { session, turnId };
}

/** What the turn's commit added to the history, without the messages of its callers. */
export async function readReply(
  client: Client,
  keys: Keys,
  { session, turnId }: TurnRef,
  { fence, committedCount }: StoredTurn,
): Promise<readonly Part[] | null> {
  if (fence === null || committedCount === 0) return null;
  const { meta, messages } = keys.session(session);
  const page = await SCRIPTS.readMessages.run(
    client,
    { meta, messages },
    { before: messageId(fence, BEHIND_ALL), limit: committedCount, enough_bytes: Number.MAX_SAFE_INTEGER },
  );
  if (page.word !== 'PAGE') return null;
  const own = page.messages
    .map((text) => decodeMessage(session, text))
    .filter((message) => message.turnId === turnId && isAnswer(message));
  return own.length === 0 ? null : own.flatMap(({ parts }) => parts);
}
