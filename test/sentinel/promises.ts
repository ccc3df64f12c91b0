import { keeperOf, type Ledger } from '../support/promise.ts';

/** What the tests of this folder keep; `test/support/promise.ts` says what the fields mean. */
export const PROMISES = {
  'failover.lost-suffix': {
    says: 'when a failover loses the last writes, no fence is reused, and turns that ran on the lost writes run again whole',
    breaks: 'include/grant next_fence: the last one plus 1, whatever the time is',
    from: 'docs/guarantees.md: When Redis fails over',
  },
} as const satisfies Ledger;

export const { promise, processPromise } = keeperOf(PROMISES);
