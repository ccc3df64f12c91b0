import type { StoredTurn } from '../conversation/ports.ts';
import type { Message, SessionRef } from '../conversation/session.ts';
import type { Client } from './connect.ts';
import { answered } from './failures.ts';
import type { Keys } from './keys.ts';
import { corrupt, decodeMessage } from './message-codec.ts';
import { decodeTurn, type TurnFields } from './turn-codec.ts';
import { wholeNumber } from './whole-number.ts';

/** Reads a turn's record; where it waits: its place in the queue; where it was kept: its answer from history. */
export async function findTurn(
  client: Client,
  keys: Keys,
  session: SessionRef,
  turnId: string,
): Promise<StoredTurn | null> {
  const places = keys.session(session);
  const fields: TurnFields = await answered(client.hgetall(places.turn(turnId)));
  if (Object.keys(fields).length === 0) return null;
  if (fields.status === 'queued') {
    const [rank, running] = await answered(
      Promise.all([
        client.zrank(places.queue, `${turnId}/${fields.replica ?? ''}`),
        client.hexists(places.meta, 'running'),
      ]),
    );
    return decodeTurn(session, turnId, fields, rank === null ? 0 : rank + running, null);
  }
  const messages = await storedMessages(client, keys, session, fields);
  const reply = messages.filter((message) => message.turnId === turnId && message.role === 'assistant');
  return decodeTurn(
    session,
    turnId,
    fields,
    null,
    reply.length === 0 ? null : (reply.at(-1)?.content ?? null),
  );
}

async function storedMessages(
  client: Client,
  keys: Keys,
  session: SessionRef,
  fields: TurnFields,
): Promise<readonly Message[]> {
  const [first, count] = [wholeNumber(fields.first_message), wholeNumber(fields.messages ?? '0')];
  if (first === null || count === null || count === 0) return [];
  const places = keys.session(session);
  const dropped = wholeNumber((await answered(client.hget(places.meta, 'dropped'))) ?? '0');
  if (dropped === null) throw corrupt(session, 'the metadata cannot be read');
  if (first < dropped) return [];
  const texts = await answered(client.lrange(places.messages, first - dropped, first - dropped + count - 1));
  return texts.map((text) => decodeMessage(session, text));
}
