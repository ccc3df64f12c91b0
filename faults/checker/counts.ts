import { beganAnew, mayBeGone, type SessionFacts, turnsWith } from './facts.ts';
import type { Story, Violation } from './story.ts';

/** Answer and expiry are stamped by different clocks of one machine, and an answer takes time to arrive. */
const SLACK_MS = 3000;

/** I6: the count is the number of messages, also the count in each answer. */
export function countsAgree(story: Story, facts: SessionFacts): readonly Violation[] {
  const { session, meta, messages } = facts.end;
  const found: Violation[] = [];
  const wrong = (what: string) => found.push({ invariant: 'I6', session, what });
  if (meta === null) {
    if (messages.length > 0) wrong(`${messages.length} messages of a missing session`);
    return found;
  }
  const isDropping = meta.messageCount > story.rules.maxMessages;
  if (!isDropping && meta.messageCount !== messages.length) {
    wrong(`message_count is ${meta.messageCount}, there are ${messages.length} messages`);
  }
  if (messages.length > story.rules.maxMessages) wrong(`${messages.length} messages, more than may be kept`);
  for (const { end, token, sentAt } of facts.sends) {
    if (end.kind !== 'done') continue;
    const turn = turnsWith(facts, token)[0];
    const isSpoiled = story.rules.mayLose !== 'nothing' && sentAt < story.rules.lossUntil;
    if (turn === undefined || beganAnew(story, session) || isSpoiled) continue;
    const count = turn.place + turn.messages.length + (meta.messageCount - messages.length);
    if (end.messageCount !== count) wrong(`${token} got a count of ${end.messageCount}, it was ${count}`);
  }
  return found;
}

/** I7: a session expires one TTL after its last turn, all of it together, and nothing outlives it. */
export function endsTogether(story: Story, facts: SessionFacts): readonly Violation[] {
  const { session, meta, afterExpiry } = facts.end;
  const found: Violation[] = [];
  const wrong = (what: string) => found.push({ invariant: 'I7', session, what });
  if (meta !== null) {
    const { expiresInMs } = meta;
    const { sessionTtlMs } = story.rules;
    if (expiresInMs <= 0 || expiresInMs > sessionTtlMs + SLACK_MS) {
      wrong(`it expires in ${Math.round(expiresInMs)} ms, its TTL is ${sessionTtlMs} ms`);
    }
  } else if (afterExpiry === null) {
    const lost = facts.sends.filter((send) => send.end.kind === 'done' && !mayBeGone(story, send));
    if (lost.length > 0) wrong('the session expired early');
  }
  for (const what of afterExpiry ?? []) wrong(what);
  return found;
}
