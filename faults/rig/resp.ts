/** Where a value of the Redis protocol ends, or -1 when it is not there whole yet. */
export function endOfValue(bytes: Buffer, start: number): number {
  const lineEnd = bytes.indexOf('\r\n', start);
  if (lineEnd === -1) return -1;
  const kind = bytes[start];
  const next = lineEnd + 2;
  if (kind === DOLLAR || kind === EQUALS || kind === BANG) {
    const length = Number(bytes.toString('latin1', start + 1, lineEnd));
    if (length < 0) return next;
    return bytes.length >= next + length + 2 ? next + length + 2 : -1;
  }
  if (kind === STAR || kind === TILDE || kind === GREATER || kind === PERCENT) {
    let count = Number(bytes.toString('latin1', start + 1, lineEnd)) * (kind === PERCENT ? 2 : 1);
    let at = next;
    for (; count > 0; count -= 1) {
      at = endOfValue(bytes, at);
      if (at === -1) return -1;
    }
    return at;
  }
  return next;
}

const [DOLLAR, STAR, EQUALS, BANG, TILDE, GREATER, PERCENT] = [...'$*=!~>%'].map((mark) =>
  mark.charCodeAt(0),
);

/** The first parts of a request, as text. */
export function partsOf(request: Buffer, most: number): string[] {
  const parts: string[] = [];
  let at = request.indexOf('\r\n') + 2;
  while (parts.length < most && at < request.length) {
    const lineEnd = request.indexOf('\r\n', at);
    const length = Number(request.toString('latin1', at + 1, lineEnd));
    parts.push(request.toString('utf8', lineEnd + 2, lineEnd + 2 + length));
    at = lineEnd + 4 + length;
  }
  return parts;
}

/** Cuts a stream of bytes into whole values. */
export class ValueReader {
  #rest: Buffer = Buffer.alloc(0);

  /** @returns the values that are whole now */
  push(bytes: Buffer): Buffer[] {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const values: Buffer[] = [];
    let start = 0;
    while (start < this.#rest.length) {
      const end = endOfValue(this.#rest, start);
      if (end === -1) break;
      values.push(this.#rest.subarray(start, end));
      start = end;
    }
    this.#rest = this.#rest.subarray(start);
    return values;
  }
}
