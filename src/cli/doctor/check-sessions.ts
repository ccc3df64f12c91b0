import type { SessionRef } from '../../conversation/session.ts';
import type { Examined, SessionExaminer } from '../../upkeep/port.ts';
import { printable } from '../terminal.ts';
import { type Finding, fail, ok } from './finding.ts';
import { MessageOrder } from './message-order.ts';

/** Checked together, so that a thousand sessions take seconds and Redis hardly notices. */
const AT_ONCE = 20;
/** Messages of one session that are checked in a sample. */
const MESSAGES_IN_SAMPLE = 2000;
/** Sessions that a finding names. */
const NAMED = 3;

interface Invariant {
  readonly check: string;
  /** What holds for all sessions, and what does not for some. */
  readonly holds: string;
  readonly breaks: string;
  readonly advice: string;
}

const RECONCILE = 'Run `reconcile`.';
const INVARIANTS = {
  readable: {
    check: 'readable',
    holds: 'can be read',
    breaks: 'hold a key that cannot be read',
    advice: 'Somebody edited it. `sessions show` names it; `sessions delete` removes the session.',
  },
  ttl: {
    check: 'expiry',
    holds: 'end with all of their keys',
    breaks: 'have keys without the right TTL',
    advice: RECONCILE,
  },
  count: {
    check: 'counts',
    holds: 'have the messages that they count',
    breaks: 'count other messages than they have',
    advice: RECONCILE,
  },
  queue: {
    check: 'queues',
    holds: 'wait for turns that exist',
    breaks: 'wait for a turn that is gone',
    advice: RECONCILE,
  },
  order: {
    check: 'order',
    holds: 'keep the messages of a turn together, the user first',
    breaks: 'have messages out of order',
    advice: 'Somebody edited the history; `sessions show` shows it.',
  },
  fence: {
    check: 'fences',
    holds: 'have a fence that never fell',
    breaks: 'have a fence below their epoch',
    advice: 'Somebody edited `fence` or `epoch`: delete the session.',
  },
} as const satisfies Record<string, Invariant>;

type InvariantName = keyof typeof INVARIANTS;
type Broken = Record<InvariantName, string[]>;

/** The invariants of stored sessions, over a sample or all. */
export async function checkSessions(examiner: SessionExaminer, limit: number): Promise<readonly Finding[]> {
  const broken: Broken = { readable: [], ttl: [], count: [], queue: [], order: [], fence: [] };
  let looked = 0;
  for await (const step of examiner.sessions()) {
    const sessions = step.slice(0, limit - looked);
    for (let from = 0; from < sessions.length; from += AT_ONCE) {
      const some = sessions.slice(from, from + AT_ONCE);
      await Promise.all(some.map((session) => checkOne(examiner, session, Number.isFinite(limit), broken)));
    }
    looked += sessions.length;
    if (looked >= limit) break;
  }
  const names = Object.keys(INVARIANTS) as InvariantName[];
  return names.map((name) => findingOf(INVARIANTS[name], broken[name], looked));
}

function findingOf(invariant: Invariant, broken: readonly string[], looked: number): Finding {
  if (broken.length === 0) return ok(invariant.check, `all ${looked} sessions looked at ${invariant.holds}`);
  const named = broken.slice(0, NAMED).join(', ');
  const more = broken.length > NAMED ? ', …' : '';
  const found = `${broken.length} of ${looked} sessions ${invariant.breaks}: ${named}${more}`;
  return fail(invariant.check, found, invariant.advice);
}

async function checkOne(
  examiner: SessionExaminer,
  session: SessionRef,
  isSample: boolean,
  broken: Broken,
): Promise<void> {
  const name = `${session.owner}/${session.conversationId}`;
  const examined = await examiner.examine(session);
  if (examined.kind === 'gone') return;
  for (const { key, reason } of examined.skipped) broken.readable.push(`${printable(key)} ${reason}`);
  if (examined.kind === 'corrupt') return;
  const { repairs } = examined;
  if (repairs.ttl_repaired) broken.ttl.push(name);
  if (repairs.counts_repaired) broken.count.push(name);
  if (repairs.queue_dropped || repairs.sessions_freed) broken.queue.push(name);
  if (hasFallen(examined)) broken.fence.push(name);
  await checkHistory(examiner, session, isSample ? MESSAGES_IN_SAMPLE : Number.POSITIVE_INFINITY, broken);
}

function hasFallen({ fence, epoch }: Extract<Examined, { kind: 'ok' }>): boolean {
  return BigInt(fence) < BigInt(epoch);
}

async function checkHistory(
  examiner: SessionExaminer,
  session: SessionRef,
  limit: number,
  broken: Broken,
): Promise<void> {
  const name = `${session.owner}/${session.conversationId}`;
  const look = () => disorderOf(examiner, session, limit);
  try {
    // A history that is trimmed while it is read looks out of order; a second look decides.
    const found = (await look()) && (await look());
    if (found !== null) broken.order.push(`${name} (${found})`);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'corrupt_session')) throw error;
    broken.readable.push(`${name} (a message)`);
  }
}

async function disorderOf(
  examiner: SessionExaminer,
  session: SessionRef,
  limit: number,
): Promise<string | null> {
  const order = new MessageOrder();
  let seen = 0;
  for await (const messages of examiner.history(session)) {
    for (const message of messages) order.add(message);
    seen += messages.length;
    if (order.disorder !== null || seen >= limit) break;
  }
  return order.disorder;
}
