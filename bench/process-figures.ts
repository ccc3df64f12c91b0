import { execFileSync } from 'node:child_process';

/** Resident memory in bytes of a process and all that it has started, as the system counts it. */
export function residentBytes(pid: number): number {
  const all = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,rss='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  const of = (wanted: number): number => {
    const own = all.find(([id]) => id === wanted)?.[2] ?? Number.NaN;
    return all.filter(([, parent]) => parent === wanted).reduce((sum, [id = -1]) => sum + of(id), own);
  };
  return of(pid) * 1024;
}
