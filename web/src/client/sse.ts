/** One event as it stood in the stream. */
export interface SseFrame {
  /** Empty when the event had none. */
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/** Parses an event stream, wherever it is split; a line ends with CR, LF or CRLF. */
export class SseParser {
  #rest = '';
  #id = '';
  #event = '';
  #data: string[] = [];

  /** Takes the next piece of text. @returns the events that it completes */
  push(piece: string): SseFrame[] {
    const text = this.#rest + piece;
    // A CR at the end may be the first half of a CRLF.
    const whole = text.endsWith('\r') ? text.slice(0, -1) : text;
    const lines = whole.split(/\r\n|\r|\n/);
    this.#rest = (lines.pop() ?? '') + text.slice(whole.length);
    return lines.map((line) => this.#line(line)).filter((frame) => frame !== null);
  }

  #line(line: string): SseFrame | null {
    if (line === '') return this.#end();
    const colon = line.indexOf(':');
    if (colon === 0) return null;
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#event = value;
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
    return null;
  }

  #end(): SseFrame | null {
    const frame = { id: this.#id, event: this.#event || 'message', data: this.#data.join('\n') };
    const isEmpty = this.#data.length === 0;
    this.#id = '';
    this.#event = '';
    this.#data = [];
    return isEmpty ? null : frame;
  }
}
