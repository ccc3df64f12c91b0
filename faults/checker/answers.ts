import { isRunAgain, type SessionFacts, sessionOfToken, tokensIn, turnsWith } from './facts.ts';
import { show } from './stored-once.ts';
import type { SeenEvent, Send, Story, Violation } from './story.ts';

const TERMINAL = new Set(['done', 'cancelled', 'error']);

/**
 * I9: every request ends, in a documented way; a stream is consistent: ids rise, nothing is repeated or left
 * out, and live events equal those of the log.
 */
export function documentedEnds(story: Story, facts: SessionFacts): readonly Violation[] {
  const { session } = facts.end;
  const found: Violation[] = [];
  const wrong = (what: string) => found.push({ invariant: 'I9', session, what });
  for (const send of facts.sends) {
    const { end, token } = send;
    if (end.kind === 'hung') wrong(`${token} never ended`);
    if (end.kind === 'cut' && !story.rules.mayCut) wrong(`${token} was cut without a reason`);
    if (end.kind === 'error') {
      for (const flaw of end.flaws) wrong(`${token} was refused as ${end.code}, ${flaw}`);
      if (!mayMeet(story, send, end.code)) wrong(`${token} met ${end.code}`);
    }
    const flaw = flawOfEvents(send.events, end.kind === 'done' || end.kind === 'cancelled');
    if (flaw !== null) wrong(`the stream of ${token}: ${flaw}`);
    const stored = turnsWith(facts, token)[0];
    if (
      send.route === 'stream' &&
      end.kind === 'done' &&
      stored !== undefined &&
      stored.turnId === send.turnId
    ) {
      const text = textOf(send.events);
      const isTrue = text === stored.assistant?.content || isRunAgain(story, send, stored);
      if (!isTrue) wrong(`the stream of ${token} said ${show(text)}`);
    }
  }
  for (const turn of facts.end.turns) {
    if (turn.log === null) continue;
    const flaw = flawOfEvents(turn.log, turn.status !== 'queued' && turn.status !== 'running');
    if (flaw !== null) wrong(`the log of ${turn.turnId}: ${flaw}`);
    const text = textOf(turn.log);
    if (turn.status === 'completed' && turn.reply !== null && text !== turn.reply) {
      wrong(`the log of ${turn.turnId} says ${show(text)}, its answer is ${show(turn.reply)}`);
    }
    for (const send of facts.sends) {
      if (send.turnId !== turn.turnId) continue;
      const difference = differenceOf(send.events, turn.log);
      if (difference !== null) wrong(`${send.token} and the log of ${turn.turnId}: ${difference}`);
    }
  }
  return found;
}

/** Refusals that a client causes itself; any other must be named by the row. */
function mayMeet(story: Story, send: Send, code: string): boolean {
  if (story.rules.codes.includes(code)) return true;
  if (code === 'session_busy') return send.onBusy === 'reject';
  if (code === 'session_deleted' || code === 'session_not_found' || code === 'turn_not_found') {
    return story.deletions.some((one) => one.session === send.session) || story.rules.mayLose !== 'nothing';
  }
  return false;
}

function flawOfEvents(events: readonly SeenEvent[], mustEnd: boolean): string | null {
  let last: readonly [number, number] = [-1, -1];
  for (const [at, { id, event }] of events.entries()) {
    const place = placeOf(id);
    if (place === null) return `the id ${id} cannot be read`;
    if (!(place[0] > last[0] || (place[0] === last[0] && place[1] > last[1]))) {
      return `${event} ${id} comes after ${last.join('-')}`;
    }
    last = place;
    if (TERMINAL.has(event) && at < events.length - 1) return `something follows ${event} ${id}`;
  }
  const end = events.at(-1);
  if (mustEnd && end !== undefined && !TERMINAL.has(end.event)) return `it ends with ${end.event}`;
  return null;
}

/** Ids are opaque to clients but documented to rise; here they are parsed into their two numbers. */
function placeOf(id: string): readonly [number, number] | null {
  const found = /^(\d+)-(\d+)$/.exec(id);
  return found === null ? null : [Number(found[1]), Number(found[2])];
}

/** The event of an id, live and in the log; deltas of an attempt whose replica died may be missing in the log. */
function differenceOf(live: readonly SeenEvent[], log: readonly SeenEvent[]): string | null {
  const logged = new Map(log.map((event) => [event.id, event]));
  for (const seen of live) {
    const other = logged.get(seen.id);
    if (other === undefined || other.event === seen.event) {
      if (other === undefined || seen.event !== 'delta' || other.data.content === seen.data.content) continue;
    }
    return `${seen.id} was ${seen.event} ${show(String(seen.data.content ?? ''))}, later ${other.event}`;
  }
  return null;
}

/** The answer as a reader has it: deltas before a restart are dropped. */
export function textOf(events: readonly SeenEvent[]): string {
  let text = '';
  for (const { event, data } of events) {
    if (event === 'restarted') text = '';
    if (event === 'delta') text += String(data.content);
  }
  return text;
}

/** I10: nothing of one session is shown to another: history, prompt, answer, stream or log. */
export function keptApart(_story: Story, facts: SessionFacts): readonly Violation[] {
  const { session, messages, turns } = facts.end;
  const found: Violation[] = [];
  const look = (where: string, text: string) => {
    const foreign = tokensIn(text).find((token) => sessionOfToken(token) !== session);
    if (foreign !== undefined) found.push({ invariant: 'I10', session, what: `${where} has ${foreign}` });
  };
  for (const message of messages) look('the history', message.content);
  for (const call of facts.calls)
    for (const { content } of call.messages) look(`the prompt of call ${call.index}`, content);
  for (const { token, events, end } of facts.sends) {
    look(`the stream of ${token}`, textOf(events));
    if (end.kind === 'done' || end.kind === 'cancelled') look(`the answer to ${token}`, end.reply);
  }
  for (const turn of turns) look(`the log of ${turn.turnId}`, textOf(turn.log ?? []));
  return found;
}
