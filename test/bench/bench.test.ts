import { expect } from 'vitest';
import { startChild } from '../../testkit/process/child.ts';
import { REPOSITORY, readSource } from '../support/source-files.ts';
import { promise } from './promises.ts';

promise(
  'bench.prints',
  'npm run bench measures the server beside passthrough and bare proxy, and prints its tables',
  async () => {
    const figures = () => readSource('bench/README.md').text;
    const before = figures();
    const options = ['--quick', '--only', 'json', '--rounds', '1', '--seconds', '1'];
    const child = startChild('npm', ['run', 'bench', '--', ...options], {
      cwd: REPOSITORY,
      env: process.env,
    });
    const code = await child.exited;
    const rows = child
      .output()
      .split('\n')
      .map((line) => /^(server|passthrough|bare proxy), (\d+) at once +([\d.,]+) /.exec(line))
      .filter((row) => row !== null)
      .map(([, name, clients, turns = '']) => ({ name, clients, turns: Number(turns.replace(',', '')) }));
    expect(code, child.output()).toBe(0);
    for (const clients of ['1', '16', '64']) {
      const measured = rows.filter((row) => row.clients === clients && row.turns > 0);
      expect(new Set(measured.map((row) => row.name))).toEqual(
        new Set(['server', 'passthrough', 'bare proxy']),
      );
    }
    expect(child.output()).toMatch(/^JSON turns\/s, of the passthrough, 1 client +.*(met|missed)$/m);
    // A short run is not a measurement: the page must not change.
    expect(figures()).toBe(before);
  },
  120_000,
);
