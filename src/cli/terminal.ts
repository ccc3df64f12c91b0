/** Where a command writes: what was asked for on `out`, everything else on `err`. */
export interface Terminal {
  /** Width of `out` in columns; null when it is not a terminal. */
  readonly columns: number | null;
  readonly isErrTerminal: boolean;
  out(text: string): void;
  err(text: string): void;
}

export function processTerminal(): Terminal {
  for (const stream of [process.stdout, process.stderr]) {
    // The reader has what it wanted: `… | head` is not a failure.
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(0);
      throw error;
    });
  }
  return {
    columns: process.stdout.isTTY ? process.stdout.columns : null,
    isErrTerminal: process.stderr.isTTY === true,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
  };
}

/** Text of a caller on one line, with nothing in it that a terminal would obey. */
export function printable(text: string): string {
  // U+200D joins the parts of one emoji; the other format characters can reverse a line.
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').replace(/(?!\u200d)[\p{Cf}\p{Cs}]/gu, '');
}

/** What JSON.stringify leaves as it is and a terminal may obey. */
const UNESCAPED = /[\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** JSON for programs, as harmless on a terminal as `printable`. */
export function toJson(value: unknown): string {
  const codeOf = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return `${JSON.stringify(value, null, 2).replace(UNESCAPED, codeOf)}\n`;
}
