import type { Call, Send, SessionEnd, StoredMessage, Story } from './story.ts';

/** `TRIAL-sN-mN`: names its session, so that a foreign token is found anywhere. */
const TOKEN = /\b[0-9a-z]+-s\d+-m\d+\b/g;

export function tokensIn(text: string): readonly string[] {
  return text.match(TOKEN) ?? [];
}

export function sessionOfToken(token: string): string {
  return token.slice(0, token.lastIndexOf('-'));
}

/** The model call from which an answer, or the beginning of one, came. */
export function callIndexOf(text: string): number | null {
  const found = /^#(\d+) /.exec(text);
  return found === null ? null : Number(found[1]);
}

/** A turn in the history: the adjacent messages of one turn id. */
export interface StoredTurn {
  readonly turnId: string;
  /** Place of its first message. */
  readonly place: number;
  readonly messages: readonly StoredMessage[];
  readonly users: readonly StoredMessage[];
  readonly assistant: StoredMessage | null;
}

export interface SessionFacts {
  readonly end: SessionEnd;
  readonly turns: readonly StoredTurn[];
  readonly sends: readonly Send[];
  readonly calls: readonly Call[];
}

/** Everything known about one session. */
export function factsOf(story: Story): readonly SessionFacts[] {
  return story.sessions.map((end) => ({
    end,
    turns: storedTurns(end.messages),
    sends: story.sends.filter((send) => send.session === end.session),
    calls: story.calls.filter((call) => sessionOfCall(call) === end.session),
  }));
}

/** The session of the message that a call is to answer. */
export function sessionOfCall(call: Call): string | null {
  const token = tokenOfCall(call);
  return token === null ? null : sessionOfToken(token);
}

export function tokenOfCall(call: Call): string | null {
  return tokensIn(call.messages.at(-1)?.content ?? '')[0] ?? null;
}

export function storedTurns(messages: readonly StoredMessage[]): readonly StoredTurn[] {
  const turns: { turnId: string; place: number; messages: StoredMessage[] }[] = [];
  for (const [place, message] of messages.entries()) {
    const last = turns.at(-1);
    if (last !== undefined && last.turnId === message.turnId) last.messages.push(message);
    else turns.push({ turnId: message.turnId, place, messages: [message] });
  }
  return turns.map((turn) => ({
    ...turn,
    users: turn.messages.filter((message) => message.role === 'user'),
    assistant: turn.messages.find((message) => message.role === 'assistant') ?? null,
  }));
}

/** The turns whose user messages contain a token. */
export function turnsWith(facts: SessionFacts, token: string): readonly StoredTurn[] {
  return facts.turns.filter((turn) => turn.users.some((user) => tokensIn(user.content).includes(token)));
}

/** How often a token occurs in user messages of the history. */
export function timesStored(facts: SessionFacts, token: string): number {
  let times = 0;
  for (const { role, content } of facts.end.messages) {
    if (role === 'user') times += tokensIn(content).filter((found) => found === token).length;
  }
  return times;
}

/** A deletion or a loss that may have removed the turn of this request. */
export function mayBeGone(story: Story, send: Send): boolean {
  if (story.rules.mayLose !== 'nothing' && send.sentAt < story.rules.lossUntil) return true;
  return story.deletions.some((one) => one.session === send.session && one.endedAt > send.sentAt);
}

/**
 * The commit of its answer was lost but its record was not: it was run again after the loss, as the
 * guarantees allow for a failover, and the second answer counts.
 */
export function isRunAgain(story: Story, send: Send, turn: StoredTurn): boolean {
  if (story.rules.mayLose !== 'suffix' || !mayBeGone(story, send)) return false;
  const index = callIndexOf(turn.assistant?.content ?? '');
  return story.calls.some((call) => call.index === index && call.at >= story.rules.lossFrom);
}

/** The session was deleted, or lost whole: earlier turns say nothing about later ones. */
export function beganAnew(story: Story, session: string): boolean {
  return story.rules.mayLose === 'all' || story.deletions.some((one) => one.session === session);
}
