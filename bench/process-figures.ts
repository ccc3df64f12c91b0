import { execFileSync } from 'node:child_process';

/** Resident memory of a process in bytes, as the system counts it. */
export function residentBytes(pid: number): number {
  return Number(ps(pid, 'rss')) * 1024;
}

/** CPU that a process has used, in whole seconds: for processes that do not tell it themselves, over long windows. */
export function wholeCpuSeconds(pid: number): number {
  // [[days-]hours:]minutes:seconds
  const [rest = '', days = '0'] = ps(pid, 'time').split('-').reverse();
  const seconds = rest.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  return seconds + Number(days) * 86_400;
}

function ps(pid: number, column: string): string {
  return execFileSync('ps', ['-o', `${column}=`, '-p', String(pid)], { encoding: 'utf8' }).trim();
}
