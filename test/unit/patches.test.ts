import { dirname } from 'node:path';
import { expect } from 'vitest';
import { LOG_PATCHES } from '../../bench/sections/log-cost.ts';
import { GUARDS } from '../../faults/guards/guards.ts';
import { builtEntry } from '../support/command.ts';
import { timesFound } from '../support/patch.ts';
import { promise } from '../support/promise.ts';

promise(
  'faults.guards.found',
  'each guard that the fault rig takes out, and the log that the bench takes out, stands exactly once in the built server',
  () => {
    const patches = [...GUARDS.flatMap((guard) => guard.patches), ...LOG_PATCHES];
    const wrong = patches.filter((patch) => timesFound(dirname(builtEntry), patch) !== 1);
    expect(wrong.map(({ file, find }) => `${file}: ${find}`)).toEqual([]);
  },
);
