/** The framing of Redis' protocol (RESP2 and RESP3), as far as one must know it to stand in between. */

const CR = 13;
const LF = 10;

/** Values that hold so many others; a map and an attribute hold two for each. */
const aggregates: Readonly<Record<string, number>> = { '*': 1, '~': 1, '>': 1, '%': 2, '|': 2 };

/** Strings that tell their length first. */
const bulks = '$=!';

/** Cuts a stream of bytes into whole values, however it was split on the way. */
export interface RespSplitter {
  /** @returns the values that are whole by now, as they came */
  push(bytes: Buffer): Buffer[];
}

export function createRespSplitter(): RespSplitter {
  let rest: Buffer = Buffer.alloc(0);
  return {
    push(bytes) {
      rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
      const values: Buffer[] = [];
      for (;;) {
        const end = endOfValue(rest, 0);
        if (end === null) return values;
        values.push(rest.subarray(0, end));
        rest = rest.subarray(end);
      }
    },
  };
}

/** @returns where the value that begins at a place ends; null while it is not whole */
function endOfValue(bytes: Buffer, start: number): number | null {
  let at = start;
  for (let open = 1; open > 0; open -= 1) {
    const end = endOfLine(bytes, at);
    if (end === null) return null;
    const type = String.fromCharCode(bytes[at] ?? 0);
    const length = Number(bytes.toString('latin1', at + 1, end - 2));
    const perItem = aggregates[type];
    at = end;
    if (perItem !== undefined) open += Math.max(0, length) * perItem;
    // An attribute stands before the value that it is about.
    if (type === '|') open += 1;
    if (bulks.includes(type) && length >= 0) at += length + 2;
    if (at > bytes.length) return null;
  }
  return at;
}

function endOfLine(bytes: Buffer, from: number): number | null {
  const at = bytes.indexOf(LF, from);
  return at > from && bytes[at - 1] === CR ? at + 1 : null;
}

/** Whether a value is an announcement, which answers no command. */
export function isPush(value: Buffer): boolean {
  return value[0] === '>'.charCodeAt(0);
}

/** The words of a command as a client sends it: an array of strings. */
export function commandWords(value: Buffer): string[] {
  const words: string[] = [];
  let at = endOfLine(value, 0) ?? value.length;
  while (at < value.length) {
    const textAt = endOfLine(value, at) ?? value.length;
    const length = Number(value.toString('latin1', at + 1, textAt - 2));
    words.push(value.toString('utf8', textAt, textAt + length));
    at = textAt + length + 2;
  }
  return words;
}
