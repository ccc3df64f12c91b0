import { type SessionFacts, tokensIn } from './facts.ts';
import type { Send, Story, Violation } from './story.ts';

/**
 * I5: a turn that was answered or acknowledged before another was sent is stored before it. That is the granted
 * order: interrupts and rollbacks go ahead of waiting turns, so only an answer counts for them.
 */
export function realTimeOrder(story: Story, facts: SessionFacts): readonly Violation[] {
  const placed = facts.sends.flatMap((send) => {
    const place = placeOf(facts, send);
    if (place === null) return [];
    // A repeat under the same key joins the earlier turn.
    const repeats = facts.sends.filter((other) => other.token === send.token);
    return [{ send, place, begunAt: Math.min(...repeats.map((other) => other.sentAt)) }];
  });
  const found: Violation[] = [];
  for (const first of placed) {
    for (const second of placed) {
      if (first.place <= second.place || first.send.token === second.send.token) continue;
      const why = cameBefore(first.send, second.send, second.begunAt);
      if (why === null || isSpoiled(story, first.send)) continue;
      const what = `${second.send.token} is stored before ${first.send.token}, which was ${why} before it was sent`;
      found.push({ invariant: 'I5', session: facts.end.session, what });
    }
  }
  return found;
}

/** Place of the user message of the turn that this request became; null when another request did, or none. */
function placeOf(facts: SessionFacts, send: Send): number | null {
  const place = facts.end.messages.findIndex(
    (message) =>
      message.role === 'user' &&
      tokensIn(message.content).includes(send.token) &&
      (send.turnId === null || message.turnId === send.turnId),
  );
  return place === -1 ? null : place;
}

function cameBefore(first: Send, second: Send, begunAt: number): string | null {
  const isAnswered = first.end.kind === 'done' || first.end.kind === 'cancelled';
  if (isAnswered && first.endedAt !== null && first.endedAt < begunAt) return 'answered';
  if (jumpsQueue(first) || jumpsQueue(second)) return null;
  return first.admittedAt !== null && first.admittedAt < begunAt ? 'accepted' : null;
}

function jumpsQueue(send: Send): boolean {
  return send.onBusy === 'interrupt' || send.onBusy === 'rollback';
}

/** A loss may have removed its place in the queue; it was admitted again later. */
function isSpoiled(story: Story, send: Send): boolean {
  return story.rules.mayLose !== 'nothing' && send.sentAt < story.rules.lossUntil;
}
