import { UNDECIDED } from './documented.ts';
import {
  callIndexOf,
  isRunAgain,
  mayBeGone,
  type SessionFacts,
  timesStored,
  tokensIn,
  turnsWith,
} from './facts.ts';
import type { Send, Story, Violation } from './story.ts';

/** I1: a turn acknowledged with `done` is in the history exactly once, with that answer. */
export function acknowledgedOnce(story: Story, facts: SessionFacts): readonly Violation[] {
  const { session } = facts.end;
  const found: Violation[] = [];
  const wrong = (what: string) => found.push({ invariant: 'I1', session, what });
  for (const token of new Set(facts.end.messages.flatMap(({ content }) => tokensIn(content)))) {
    const times = timesStored(facts, token);
    if (times > 1) wrong(`${token} is stored ${times} times`);
  }
  for (const send of facts.sends) {
    if (!isKept(send)) continue;
    const turns = turnsWith(facts, send.token);
    const turn = turns[0];
    if (turn === undefined) {
      const isExcused = mayBeGone(story, send) || isDropped(story, facts) || facts.end.afterExpiry !== null;
      if (!isExcused) wrong(`${send.token} was acknowledged and is lost`);
      continue;
    }
    const stored = turn.assistant?.content ?? '';
    const told = toldBy(send);
    if (stored !== told && !isRunAgain(story, send, turn))
      wrong(`${send.token} was answered ${show(told)} and is stored as ${show(stored)}`);
    const record = facts.end.turns.find((one) => one.turnId === turn.turnId);
    const status = send.end.kind === 'done' ? 'completed' : 'cancelled';
    if (record !== undefined && record.status !== 'gone' && record.status !== status) {
      wrong(`${send.token} got ${send.end.kind}, its turn ${turn.turnId} says ${record.status}`);
    }
  }
  return found;
}

function isKept(send: Send): boolean {
  return send.end.kind === 'done' || (send.end.kind === 'cancelled' && send.end.kept === true);
}

function toldBy(send: Send): string {
  return send.end.kind === 'done' || send.end.kind === 'cancelled' ? send.end.reply : '';
}

function isDropped(story: Story, facts: SessionFacts): boolean {
  return facts.end.meta !== null && facts.end.meta.messageCount > story.rules.maxMessages;
}

/** I2: any other turn is in the history once and whole, or not at all; a refused one, never. */
export function wholeOrNothing(story: Story, facts: SessionFacts): readonly Violation[] {
  const { session } = facts.end;
  const found: Violation[] = [];
  const wrong = (what: string) => found.push({ invariant: 'I2', session, what });
  const mayLackReply = facts.sends.some((send) => send.onBusy === 'interrupt');
  for (const turn of facts.turns) {
    const tokens = turn.users.flatMap((user) => tokensIn(user.content)).join(' ');
    if (turn.users.length === 0) wrong(`turn ${turn.turnId} has no user message`);
    if (turn.assistant === null) {
      if (!mayLackReply) wrong(`turn ${turn.turnId} (${tokens}) has no answer`);
      continue;
    }
    const call = story.calls.find((one) => one.index === callIndexOf(turn.assistant?.content ?? ''));
    const { content, isTruncated } = turn.assistant;
    if (call === undefined)
      wrong(`turn ${turn.turnId} (${tokens}) has an answer that no call gave: ${show(content)}`);
    else if (isTruncated ? !call.answer.startsWith(content) : content !== call.answer) {
      wrong(`turn ${turn.turnId} (${tokens}) has ${show(content)} of ${show(call.answer)}`);
    }
  }
  for (const token of new Set(facts.sends.map((send) => send.token))) {
    const sends = facts.sends.filter((send) => send.token === token);
    if (sends.every(leavesNothing) && timesStored(facts, token) > 0) {
      wrong(`${token} got ${sends.map(tellEnd).join(', ')} and is stored`);
    }
    if (sends.every(neverTakenIn)) {
      const told = Math.max(...sends.map((send) => send.endedAt ?? Number.POSITIVE_INFINITY));
      const asked = story.calls.find(
        (call) => call.at > told && tokensIn(lastOf(call.messages)).includes(token),
      );
      if (asked !== undefined) wrong(`${token} got ${sends.map(tellEnd).join(', ')} and ran later`);
    }
  }
  return found;
}

function lastOf(messages: readonly { readonly content: string }[]): string {
  return messages.at(-1)?.content ?? '';
}

/** The answer guarantees that nothing of it is stored. */
function leavesNothing(send: Send): boolean {
  const { end } = send;
  if (end.kind === 'cancelled') return end.kept === false;
  return end.kind === 'error' && !UNDECIDED.has(end.code);
}

/** Refused before a turn existed. */
function neverTakenIn(send: Send): boolean {
  const { end } = send;
  return end.kind === 'error' && !end.namesTurn && !UNDECIDED.has(end.code) && send.turnId === null;
}

function tellEnd({ end }: Send): string {
  return end.kind === 'error' ? end.code : end.kind;
}

/** I3: the messages of a turn are adjacent, the user's first, without another turn between them. */
export function neverInterleaved(_story: Story, facts: SessionFacts): readonly Violation[] {
  const { session } = facts.end;
  const found: Violation[] = [];
  const seen = new Set<string>();
  for (const { turnId, messages } of facts.turns) {
    if (seen.has(turnId))
      found.push({ invariant: 'I3', session, what: `turn ${turnId} is stored in two places` });
    seen.add(turnId);
    const roles = messages.map(({ role }) => role).join(' ');
    if (!/^(user )*user( assistant)?$/.test(roles)) {
      found.push({ invariant: 'I3', session, what: `turn ${turnId} is stored as: ${roles}` });
    }
  }
  return found;
}

export function show(text: string): string {
  return text === '' ? 'nothing' : `"${text.length > 60 ? `${text.slice(0, 57)}...` : text}"`;
}
