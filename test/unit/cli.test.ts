import { expect } from 'vitest';
import { MessageOrder } from '../../src/cli/doctor/message-order.ts';
import { reconcileNow } from '../../src/cli/reconcile.ts';
import { cutTo, duration, renderTable, widthOf } from '../../src/cli/table.ts';
import type { Role } from '../../src/conversation/session.ts';
import { REPAIR_KINDS, type ReconcileReport } from '../../src/upkeep/port.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { promise } from './promises.ts';

promise('cli.table', 'tables stay aligned and fit the terminal, whatever script a title is in', () => {
  const rows = [
    ['ID', 'TITLE'],
    ['a', '我叫小明，今天天气怎么样'],
    ['longer', 'emoji 👨‍👩‍👧 and text'],
  ];
  const lines = renderTable(rows, 20).trimEnd().split('\n');
  expect(lines).toEqual(['ID      TITLE', 'a       我叫小明，…', 'longer  emoji 👨‍👩‍👧 an…']);
  for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(20);
  expect(renderTable(rows, null)).toContain('今天天气怎么样');
  expect([cutTo('abc', 3), cutTo('abcd', 3)]).toEqual(['abc', 'ab…']);
  expect([0, 119_000, 120_000, 7_200_000, 172_800_000].map(duration)).toEqual([
    '0 s',
    '119 s',
    '2 min',
    '2 h',
    '2 d',
  ]);
});

promise(
  'cli.message-order',
  'messages that are apart from their turn, or before its user message, are found',
  () => {
    const disorderOf = (...history: [turnId: string, role: Role][]) => {
      const order = new MessageOrder();
      for (const [place, [turnId, role]] of history.entries()) {
        order.add({
          ...{ id: `m1-${place}`, turnId, role },
          ...{ parts: [], createdAtMs: 0, truncated: false },
        });
      }
      return order.disorder;
    };
    expect(disorderOf()).toBeNull();
    expect(disorderOf(['a', 'user'], ['a', 'assistant'], ['b', 'user'], ['c', 'user'])).toBeNull();
    // Turns with joined messages, and one with tools.
    expect(disorderOf(['a', 'user'], ['a', 'user'], ['a', 'tool'], ['a', 'assistant'])).toBeNull();
    expect(disorderOf(['a', 'assistant'])).toBe("m1-0 begins a turn and is the model's");
    expect(disorderOf(['a', 'user'], ['b', 'user'], ['a', 'assistant'])).toBe('m1-2 is apart from its turn');
    expect(disorderOf(['a', 'user'], ['a', 'assistant'], ['a', 'user'])).toContain('m1-2 is the user');
  },
);

promise(
  'cli.reconcile.progress',
  'a long reconcile shows its progress: one redrawn line on a terminal, otherwise one line a second',
  async () => {
    const progressOf = async (isErrTerminal: boolean) => {
      let err = '';
      const terminal = {
        ...{ columns: null, isErrTerminal, out: () => {} },
        err: (text: string) => {
          err += text;
        },
      };
      let scanned = 0;
      await reconcileNow(
        async (progressed) => {
          await waitFor(
            () => {
              scanned += 1;
              progressed({ part: 'sessions', scanned, repairs: 2 });
              return err.includes('looked at');
            },
            { what: 'a line of progress' },
          );
          return report();
        },
        terminal,
        {},
      );
      return err;
    };
    expect(await progressOf(false)).toMatch(/^sessions: \d{2,} looked at, 2 repairs\n$/);
    const drawn = (await progressOf(true)).replaceAll('\u001b[2K', '<clear>');
    expect(drawn).toMatch(/^\r<clear>sessions: \d+ looked at, 2 repairs\r<clear>$/);
  },
);

function report(): ReconcileReport {
  const repairs = Object.fromEntries(REPAIR_KINDS.map((kind) => [kind, 0]));
  const times = { started_at: '', ended_at: '', duration_ms: 0 };
  const counts = { sessions: 0, scanned: 0, skipped: [], skipped_count: 0, dry_run: false };
  return { ...repairs, ...times, ...counts } as unknown as ReconcileReport;
}
