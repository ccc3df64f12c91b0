/** One event of the stream. */
export interface SseFrame {
  /** Only from this event; undefined when it had no `id` line. */
  readonly id: string | undefined;
  readonly event: string;
  readonly data: string;
}

export interface SseParser {
  /** Comment lines so far. */
  readonly comments: number;
  /** The newest `retry`, in ms. */
  readonly retryMs: number | undefined;
  /** Takes the next chunk of the text, wherever it was split; returns the events that it completes. */
  push(piece: string): SseFrame[];
}

/** Parses an event stream as the HTML standard says; a line ends with CR, LF or CRLF. */
export function createSseParser(): SseParser {
  let rest = '';
  let comments = 0;
  let retryMs: number | undefined;
  let id: string | undefined;
  let event = '';
  let data: string[] = [];

  const endEvent = (): SseFrame | undefined => {
    const frame = data.length === 0 ? undefined : { id, event: event || 'message', data: data.join('\n') };
    id = undefined;
    event = '';
    data = [];
    return frame;
  };
  const readLine = (line: string): SseFrame | undefined => {
    if (line === '') return endEvent();
    const colon = line.indexOf(':');
    if (colon === 0) {
      comments += 1;
      return undefined;
    }
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'data') data.push(value);
    else if (field === 'event') event = value;
    else if (field === 'id' && !value.includes('\0')) id = value;
    else if (field === 'retry' && /^\d+$/.test(value)) retryMs = Number(value);
    return undefined;
  };

  return {
    get comments() {
      return comments;
    },
    get retryMs() {
      return retryMs;
    },
    push(piece) {
      const text = rest + piece;
      // A CR at the end may be the first half of a CRLF.
      const whole = text.endsWith('\r') ? text.slice(0, -1) : text;
      const lines = whole.split(/\r\n|\r|\n/);
      rest = (lines.pop() ?? '') + text.slice(whole.length);
      return lines.map(readLine).filter((frame) => frame !== undefined);
    },
  };
}
