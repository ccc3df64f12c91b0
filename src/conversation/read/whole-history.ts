import type { Uses } from '../ports/core.ts';
import type { History, SessionRef } from '../session.ts';

/** A history with all messages that are stored, not only the newest. */
export async function wholeHistory(
  { sessions }: Uses<'sessions'>,
  session: SessionRef,
  history: History,
): Promise<History> {
  if (history.from <= history.dropped) return history;
  const older = await sessions.slice(session, history, history.dropped);
  return { ...history, from: history.dropped, messages: [...older, ...history.messages] };
}
