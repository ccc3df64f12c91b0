import type { Input } from '../input.ts';
import type { Uses } from '../ports/core.ts';
import { wholeHistory } from '../read/whole-history.ts';
import { newIn } from '../resent.ts';
import type { SessionRef } from '../session.ts';
import type { HistoryUse } from '../turn.ts';

/** `unrelated`: the caller's messages do not extend the stored history; they are answered, but not stored. */
export type Extension =
  | { readonly kind: 'extends'; readonly input: Input; readonly history: HistoryUse }
  | { readonly kind: 'unrelated' };

/**
 * Stored history wins up to the common prefix; what follows it is the new turn. The history may move on before that
 * turn runs: it is compared once more then.
 */
export async function extendHistory(
  ports: Uses<'sessions'>,
  session: SessionRef,
  sent: Input,
): Promise<Extension> {
  const newest = await ports.sessions.history(session);
  const history = newest === null ? null : await wholeHistory(ports, session, newest);
  const input = newIn(history?.messages ?? [], sent, (history?.dropped ?? 0) === 0);
  const isQuestion = input !== null && input.at(-1)?.role !== 'assistant';
  if (!isQuestion) return { kind: 'unrelated' };
  return { kind: 'extends', input, history: { kind: 'resent', after: history?.messages.at(-1)?.id ?? '' } };
}
