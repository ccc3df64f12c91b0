/** The framing of the Redis protocol (RESP2 and RESP3), as far as a proxy needs it. */

const CR = 13;
const LF = 10;

/** Values that contain a number of others; a map and an attribute contain two for each. */
const aggregates: Readonly<Record<string, number>> = { '*': 1, '~': 1, '>': 1, '%': 2, '|': 2 };

/** Strings with a length prefix. */
const bulks = '$=!';

/** Splits a stream of bytes into whole values, wherever the chunks were cut. */
export interface RespSplitter {
  /** @returns the raw values that are complete by now */
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

/** @returns the end of the value that begins at a place; null while it is incomplete */
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
    // An attribute precedes the value that it describes.
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

/** Whether a value is a push message, which answers no command. */
export function isPush(value: Buffer): boolean {
  return value[0] === '>'.charCodeAt(0);
}

/** The words of a command, which a client sends as an array of strings; or only the first ones. */
export function commandWords(value: Buffer, most = Number.POSITIVE_INFINITY): string[] {
  const words: string[] = [];
  let at = endOfLine(value, 0) ?? value.length;
  while (at < value.length && words.length < most) {
    const textAt = endOfLine(value, at) ?? value.length;
    const length = Number(value.toString('latin1', at + 1, textAt - 2));
    words.push(value.toString('utf8', textAt, textAt + length));
    at = textAt + length + 2;
  }
  return words;
}
