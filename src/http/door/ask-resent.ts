import { type Caller, sessionOf } from '../../conversation/caller.ts';
import type { Input } from '../../conversation/input.ts';
import type { TurnSource } from '../../conversation/read/turn-source.ts';
import type { HistoryUse } from '../../conversation/turn.ts';
import { TurnwiseError } from '../../errors.ts';
import type { HttpDeps } from '../http-deps.ts';
import { type AskedTurn, admit, counting } from './admit.ts';
import type { Dialect } from './dialect.ts';

/** A request of a client that sends the whole conversation each time. */
export interface ResentTurn
  extends Pick<AskedTurn, 'conversationId' | 'model' | 'options' | 'idempotencyKey'> {
  /** All that was ever said, as the client has it, and what it says now. */
  readonly messages: Input;
}

const FROM_THE_BEGINNING: HistoryUse = { kind: 'resent', after: '' };

/**
 * In a session, what follows the stored history is a new turn of it. Without one, and where the messages do not follow
 * that history (a title, an edit of an earlier message), they are answered and not stored.
 *
 * @throws as submitTurn; invalid_request, rate_limited
 */
export async function askResent(
  deps: Pick<HttpDeps, 'conversations' | 'rate'>,
  dialect: Pick<Dialect, 'door' | 'onDisconnect'>,
  caller: Caller,
  { messages, ...asked }: ResentTurn,
): Promise<TurnSource> {
  const { conversationId, idempotencyKey, model, options } = asked;
  if (conversationId !== null) {
    const extension = await deps.conversations.extend(sessionOf(caller, conversationId), messages);
    const isNew = extension.kind === 'extends';
    // It may be the repeat of a turn that has become history since; if it is none, it will not be stored.
    if (isNew || idempotencyKey !== null) {
      const { input, history } = isNew ? extension : { input: messages, history: FROM_THE_BEGINNING };
      const turn = { ...asked, input, sent: messages, options: { ...options, history }, onBusy: null };
      const submitted = await admit(deps, dialect, caller, turn);
      return deps.conversations.source(submitted.turn);
    }
  } else if (idempotencyKey !== null) {
    throw new TurnwiseError('invalid_request', {
      message: 'an Idempotency-Key needs a session, named in X-Session-ID',
    });
  }
  const request = { owner: caller.owner, history: null, input: messages, model, options, door: dialect.door };
  return deps.conversations.unstored(request, counting(deps.rate, caller));
}
