import { documentedEnds, keptApart } from './answers.ts';
import { countsAgree, endsTogether } from './counts.ts';
import { factsOf, type SessionFacts } from './facts.ts';
import { realTimeOrder } from './order.ts';
import { nothingLeft } from './quiet.ts';
import { acknowledgedOnce, neverInterleaved, wholeOrNothing } from './stored-once.ts';
import type { InvariantId, Story, Violation } from './story.ts';
import { truePrefix } from './true-prefix.ts';

/** The invariants. */
export const INVARIANTS: Readonly<Record<InvariantId, string>> = {
  I1: 'an acknowledged turn is stored exactly once, as it was acknowledged',
  I2: 'any other turn is stored whole and once, or not at all; a refused turn never runs',
  I3: 'the messages of a turn are adjacent, the user messages first',
  I4: 'every prompt is the true history before its turn, in whole turns',
  I5: 'turns are stored in the order in which they were granted',
  I6: 'message_count is the number of messages, in the session and in every answer',
  I7: 'all keys of a session expire together, one TTL after its last turn',
  I8: 'when everything is idle no turn waits or runs, and no lock and no stream is left',
  I9: 'every request ends in a documented way, and a stream has each event once, in order',
  I10: 'nothing of a session is ever seen in another',
};

const OF_A_SESSION: readonly ((story: Story, facts: SessionFacts) => readonly Violation[])[] = [
  acknowledgedOnce,
  wholeOrNothing,
  neverInterleaved,
  truePrefix,
  realTimeOrder,
  countsAgree,
  endsTogether,
  documentedEnds,
  keptApart,
];

/** Checks a story against all invariants. */
export function check(story: Story): readonly Violation[] {
  return [
    ...factsOf(story).flatMap((facts) => OF_A_SESSION.flatMap((holds) => holds(story, facts))),
    ...nothingLeft(story),
  ];
}
