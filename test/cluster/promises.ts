import { keeperOf, type Ledger } from '../support/promise.ts';

/** What the tests of this folder keep; `test/support/promise.ts` says what the fields mean. */
export const PROMISES = {
  'cluster.failover': {
    says: 'when a Cluster master dies and its replica takes over, callers get 503 in time, a running turn is answered, other sessions are unaffected, and the fence does not fall',
    breaks: 'commit-turn: give up at the first refusal',
    from: 'docs/guarantees.md: When Redis fails over',
  },
  'cluster.slot-moves': {
    says: 'while the slot of a busy session moves between masters no client gets an error, and history stays whole and in order',
    breaks: 'connect: do not retry TRYAGAIN (retryDelayOnTryAgain with maxRedirections 1)',
    from: 'docs/guarantees.md: When Redis fails over',
  },
} as const satisfies Ledger;

export const { promise, processPromise } = keeperOf(PROMISES);
