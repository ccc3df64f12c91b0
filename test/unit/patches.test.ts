import { dirname } from 'node:path';
import { expect } from 'vitest';
import { LOG_PATCHES } from '../../bench/sections/log-cost.ts';
import { GUARDS } from '../../faults/guards/guards.ts';
import { timesFound } from '../../testkit/patch.ts';
import { commandEntry } from '../../testkit/server/command.ts';
import { promise } from './promises.ts';

promise(
  'faults.guards.found',
  'each guard that the fault rig removes, and the log that the bench removes, occurs exactly once in the built server',
  () => {
    const patches = [...GUARDS.flatMap((guard) => guard.patches), ...LOG_PATCHES];
    const wrong = patches.filter((patch) => timesFound(dirname(commandEntry), patch) !== 1);
    expect(wrong.map(({ file, find }) => `${file}: ${find}`)).toEqual([]);
  },
);
