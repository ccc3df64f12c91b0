import {
  beganAnew,
  callIndexOf,
  type SessionFacts,
  type StoredTurn,
  tokenOfCall,
  tokensIn,
} from './facts.ts';
import { show } from './stored-once.ts';
import type { Call, Story, Violation } from './story.ts';

/**
 * I4: every prompt was the system prompt, the true history before its turn, and the user message: no stale
 * read, no lost update. Also for calls whose answer was discarded: they may only have seen true history.
 */
export function truePrefix(story: Story, facts: SessionFacts): readonly Violation[] {
  return facts.calls.flatMap((call) => {
    const what = flawOf(story, facts, call);
    return what === null ? [] : [{ invariant: 'I4', session: facts.end.session, what } as const];
  });
}

function flawOf(story: Story, facts: SessionFacts, call: Call): string | null {
  const [system, ...rest] = call.messages;
  const name = `call ${call.index} for ${tokenOfCall(call)}`;
  if (system?.role !== 'system' || system.content !== story.rules.systemPrompt)
    return `${name} has no system prompt`;
  const users = trailingUsers(rest);
  const history = rest.slice(0, rest.length - users);
  if (story.rules.mayLose !== 'nothing' && call.at < story.rules.lossUntil) return null;
  const resurrected = resurrectedIn(story, facts, call);
  if (resurrected !== null) return `${name} was shown ${resurrected}, which was deleted before`;
  const turn = facts.turns.find((one) => callIndexOf(one.assistant?.content ?? '') === call.index);
  if (turn === undefined) return strayFlaw(story, facts, name, history);

  const said = rest.slice(rest.length - turn.users.length).map(({ content }) => content);
  if (said.join('\n') !== turn.users.map(({ content }) => content).join('\n')) {
    return `${name} was asked ${show(said.join(' | '))}, stored is ${show(turn.users.map(({ content }) => content).join(' | '))}`;
  }
  const before = rest.slice(0, rest.length - turn.users.length);
  const truth = facts.end.messages.slice(0, turn.place);
  if (story.rules.mayLose === 'suffix' || hasDropped(story, facts))
    return endsAlike(name, before, truth, facts.turns);
  if (story.rules.hasWindow) return endsAlike(name, before, truth, facts.turns);
  return same(before, truth)
    ? null
    : `${name} was shown ${before.length} messages, ${truth.length} are stored before its turn: ${firstDifference(before, truth)}`;
}

/** An interrupted turn may have left a user message alone, so the users at the end may be two turns'. */
function trailingUsers(messages: Call['messages']): number {
  let count = 0;
  while (messages.at(-1 - count)?.role === 'user') count += 1;
  return count;
}

/** The call's answer was not stored: its prompt must still be a prefix of the history, in whole turns. */
function strayFlaw(story: Story, facts: SessionFacts, name: string, shown: Call['messages']): string | null {
  if (beganAnew(story, facts.end.session) || story.rules.hasWindow || hasDropped(story, facts)) return null;
  if (story.rules.mayLose !== 'nothing') return null;
  const truth = facts.end.messages.slice(0, shown.length);
  if (!same(shown, truth))
    return `${name} was shown what never was history: ${firstDifference(shown, truth)}`;
  const ends = new Set([0, ...facts.turns.map((turn) => turn.place + turn.messages.length)]);
  // A lone user message may end the shown history; it was counted as part of the question.
  const isWhole = ends.has(shown.length) || facts.turns.some((turn) => turn.assistant === null);
  return isWhole ? null : `${name} was shown half a turn`;
}

/** With a window, or after a loss: the prompt is the newest part of the history, from the start of a turn. */
function endsAlike(
  name: string,
  shown: Call['messages'],
  truth: SessionFacts['end']['messages'],
  turns: readonly StoredTurn[],
): string | null {
  const length = Math.min(shown.length, truth.length);
  const [tail, true_] = [shown.slice(shown.length - length), truth.slice(truth.length - length)];
  if (!same(tail, true_)) return `${name} was not shown the newest history: ${firstDifference(tail, true_)}`;
  const isStart = length === truth.length || turns.some((turn) => turn.place === truth.length - length);
  return isStart ? null : `${name} was shown half a turn at the start of its window`;
}

/** A token whose request had ended before a deletion began, shown to a turn that began after the deletion. */
function resurrectedIn(story: Story, facts: SessionFacts, call: Call): string | null {
  for (const deletion of story.deletions) {
    if (deletion.session !== facts.end.session || deletion.status !== 200) continue;
    if (!facts.sends.every((send) => send.token !== tokenOfCall(call) || send.sentAt > deletion.endedAt))
      continue;
    for (const token of call.messages.flatMap(({ content }) => tokensIn(content))) {
      const sends = facts.sends.filter((send) => send.token === token);
      const isOld =
        sends.length > 0 && sends.every((send) => (send.endedAt ?? deletion.endedAt) < deletion.sentAt);
      if (isOld) return token;
    }
  }
  return null;
}

function hasDropped(story: Story, facts: SessionFacts): boolean {
  return (facts.end.meta?.messageCount ?? 0) > story.rules.maxMessages;
}

type Said = readonly { readonly role: string; readonly content: string }[];

function same(shown: Said, truth: Said): boolean {
  return shown.length === truth.length && differsAt(shown, truth) === -1;
}

function differsAt(shown: Said, truth: Said): number {
  const length = Math.max(shown.length, truth.length);
  for (let at = 0; at < length; at += 1) {
    if (shown[at]?.role !== truth[at]?.role || shown[at]?.content !== truth[at]?.content) return at;
  }
  return -1;
}

function firstDifference(shown: Said, truth: Said): string {
  const at = differsAt(shown, truth);
  return `message ${at} is ${show(shown[at]?.content ?? '')}, stored is ${show(truth[at]?.content ?? '')}`;
}
