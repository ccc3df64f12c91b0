/** What one check of `doctor` found. */
export interface Finding {
  readonly check: string;
  /** `warn` is a risk that the operator may have chosen; `fail` breaks a promise. */
  readonly level: 'ok' | 'warn' | 'fail';
  readonly found: string;
  /** What to do; null when all is well. */
  readonly advice: string | null;
}

export function ok(check: string, found: string): Finding {
  return { check, level: 'ok', found, advice: null };
}

export function warn(check: string, found: string, advice: string): Finding {
  return { check, level: 'warn', found, advice };
}

export function fail(check: string, found: string, advice: string): Finding {
  return { check, level: 'fail', found, advice };
}
