import { keeperOf, type Ledger } from '../support/promise.ts';

/** What the tests of this folder keep; `test/support/promise.ts` says what the fields mean. */
export const PROMISES = {
  'bench.prints': {
    says: 'npm run bench measures the server beside passthrough and bare proxy, and prints its tables',
    breaks: 'bench target: omit the bare proxy',
    from: 'bench/README.md',
  },
} as const satisfies Ledger;

export const { promise, processPromise } = keeperOf(PROMISES);
