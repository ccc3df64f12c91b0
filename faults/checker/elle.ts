import { callIndexOf, factsOf, type SessionFacts, tokensIn } from './facts.ts';
import type { Send, Story } from './story.ts';

interface Operation {
  readonly at: number;
  readonly type: 'invoke' | 'ok' | 'fail' | 'info';
  readonly process: number;
  readonly value: string;
}

/**
 * The story as a history of Elle's list-append model, in EDN: a turn is a transaction that reads the list of its
 * session (its prompt) and appends its own elements. Null when sessions were deleted or lost: a list that
 * restarts is not in that model.
 */
export function elleHistory(story: Story): string | null {
  if (story.deletions.length > 0 || story.rules.mayLose !== 'nothing') return null;
  const operations = factsOf(story).flatMap((facts, at) => operationsOf(facts, at * 100_000));
  const lines = operations
    .sort((a, b) => a.at - b.at)
    .map(
      ({ at, type, process, value }, index) =>
        `{:index ${index}, :time ${Math.round(at * 1e6)}, :type :${type}, :process ${process}, :f :txn, :value ${value}}`,
    );
  return `${lines.join('\n')}\n`;
}

function operationsOf(facts: SessionFacts, firstProcess: number): Operation[] {
  const key = `"${facts.end.session}"`;
  const firsts = facts.sends.filter(
    (send, at) => facts.sends.findIndex((other) => other.token === send.token) === at,
  );
  const operations = firsts.flatMap((send, at): Operation[] => {
    const repeats = facts.sends.filter((other) => other.token === send.token);
    const process = firstProcess + at;
    const append = `[:append ${key} ${elementOf(send.token)}]`;
    const invoked: Operation = {
      at: send.sentAt,
      type: 'invoke',
      process,
      value: `[[:r ${key} nil] ${append}]`,
    };
    const { type, seen } = endOf(facts, repeats);
    const endedAt = Math.max(...repeats.map((one) => one.endedAt ?? one.sentAt));
    const read = seen === null ? 'nil' : `[${seen.join(' ')}]`;
    return [invoked, { at: endedAt, type, process, value: `[[:r ${key} ${read}] ${append}]` }];
  });
  const end = Math.max(0, ...operations.map(({ at }) => at)) + 1;
  const process = firstProcess + firsts.length;
  const all = facts.end.messages
    .filter(({ role }) => role === 'user')
    .flatMap(({ content }) => tokensIn(content));
  return [
    ...operations,
    { at: end, type: 'invoke', process, value: `[[:r ${key} nil]]` },
    { at: end + 1, type: 'ok', process, value: `[[:r ${key} [${all.map(elementOf).join(' ')}]]]` },
  ];
}

/** What a client knows of its transaction, and what the model was shown for it. */
function endOf(
  facts: SessionFacts,
  repeats: readonly Send[],
): { readonly type: Operation['type']; readonly seen: readonly number[] | null } {
  const done = repeats.find(({ end }) => end.kind === 'done');
  if (done?.end.kind === 'done') {
    const { reply } = done.end;
    const call = facts.calls.find((one) => one.index === callIndexOf(reply));
    // Messages answered by one turn are appended one after the other, so each has read the earlier ones.
    const shown = (call?.messages ?? []).flatMap(({ role, content }) =>
      role === 'user' ? tokensIn(content) : [],
    );
    const before = shown.indexOf(done.token);
    return before === -1
      ? { type: 'info', seen: null }
      : { type: 'ok', seen: shown.slice(0, before).map(elementOf) };
  }
  const isRefused = repeats.every(
    ({ end, turnId }) => end.kind === 'error' && !end.namesTurn && turnId === null,
  );
  return { type: isRefused ? 'fail' : 'info', seen: null };
}

function elementOf(token: string): number {
  return Number(token.slice(token.lastIndexOf('m') + 1));
}
