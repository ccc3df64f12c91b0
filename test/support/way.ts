import { Session } from 'node:inspector/promises';

/**
 * Which files of `src/` do something each time some work is done, as V8 counts calls: all functions that ran, except those that
 * ran only because a module was loaded. What a timer runs beside the work is not in all of the rounds.
 */
export async function filesUsedByEach(rounds: number, work: () => Promise<void>): Promise<readonly string[]> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  let inAll: ReadonlySet<string> | null = null;
  for (let round = 0; round < rounds; round += 1) {
    await session.post('Profiler.takePreciseCoverage');
    await work();
    const { result } = await session.post('Profiler.takePreciseCoverage');
    const used = new Set(
      result
        .filter(({ functions }) => functions.some(({ ranges }) => (ranges[0]?.count ?? 0) > 0))
        .flatMap(({ url }) => /\/(src\/.+\.ts)$/.exec(url)?.[1] ?? []),
    );
    const before: ReadonlySet<string> = inAll ?? used;
    inAll = new Set([...used].filter((path) => before.has(path)));
  }
  session.disconnect();
  return [...(inAll ?? [])].sort();
}
