import { type Terminal, toJson } from '../terminal.ts';
import type { Finding } from './finding.ts';

const CHECK_WIDTH = 12;

/** Prints findings as they come; as JSON, all at once at the end. */
export class DoctorReport {
  readonly #terminal: Terminal;
  readonly #isJson: boolean;
  readonly #findings: Finding[] = [];

  constructor(terminal: Terminal, isJson: boolean) {
    this.#terminal = terminal;
    this.#isJson = isJson;
  }

  add(...findings: readonly Finding[]): void {
    this.#findings.push(...findings);
    if (this.#isJson) return;
    for (const { check, level, found, advice } of findings) {
      const hint = advice === null ? '' : `. ${advice}`;
      this.#terminal.out(`${level.padEnd(4)}  ${check.padEnd(CHECK_WIDTH)}${found}${hint}\n`);
    }
  }

  /** @returns the exit code */
  end(): number {
    const failed = this.#findings.filter(({ level }) => level === 'fail').length;
    if (this.#isJson) this.#terminal.out(toJson({ ok: failed === 0, checks: this.#findings }));
    else this.#terminal.out(`\n${summaryOf(failed, this.#findings)}\n`);
    return failed === 0 ? 0 : 1;
  }
}

function summaryOf(failed: number, findings: readonly Finding[]): string {
  if (failed > 0) return `${failed} of ${findings.length} checks failed.`;
  const warned = findings.filter(({ level }) => level === 'warn').length;
  return warned === 0 ? 'All is well.' : `Nothing is broken; ${warned} of ${findings.length} checks warn.`;
}
