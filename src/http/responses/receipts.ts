import type { TurnRef } from '../../conversation/turn.ts';
import { decodeEcho, type Echo } from './echo.ts';

/** What a response shows again of its request, as it was stored with the turn. */
export async function receiptOf(_turn: TurnRef): Promise<Echo> {
  return decodeEcho(null);
}
