import { connect, type Socket } from 'node:net';

/** What is looked for in the bytes of a streamed answer. */
export interface Marks {
  /** Once for each token. */
  readonly token: string;
  /** Only in the last event. */
  readonly end: string;
}

/** Of the server, the passthrough and the bare proxy; and of the model itself, where a head and a tail count as well. */
export const EVENT_MARKS: Marks = { token: 'event: delta\n', end: 'event: done\n' };
export const MODEL_MARKS: Marks = { token: '"delta":{"content":', end: '[DONE]' };

export interface StreamRequest {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: string;
}

export interface LiveStream {
  /** The head of the answer, once it is there. @throws when the status is not 200 */
  readonly head: Promise<string>;
  /** Its end. @throws when the answer broke off before its last event */
  readonly ended: Promise<void>;
  close(): void;
}

/** All streams read into the same memory: what was read is looked at before the next read. */
const SHARED = Buffer.alloc(65_536);

/**
 * Reads a streamed answer on a connection of its own. Bytes are only searched, not parsed: thousands of streams are
 * read by one process, which must not become what is measured.
 *
 * @param heard  called with the number of tokens in each piece that has some
 */
export function openStream(
  request: StreamRequest,
  marks: Marks,
  heard: (tokens: number) => void,
): LiveStream {
  const { hostname, port, host } = new URL(request.url);
  const { promise: head, resolve: hasHead, reject: noHead } = Promise.withResolvers<string>();
  const { promise: ended, resolve: hasEnded, reject: brokeOff } = Promise.withResolvers<void>();
  // Who only reads one of the two is not told of the other's failure.
  for (const one of [head, ended]) one.catch(() => undefined);
  const [tokens, end] = [counter(marks.token), counter(marks.end)];
  let text: string | null = '';
  let isEnded = false;
  const fail = (error: Error) => {
    noHead(error);
    brokeOff(error);
  };
  const read = (bytes: Buffer) => {
    if (text !== null) {
      text += bytes.toString('latin1');
      const at = text.indexOf('\r\n\r\n');
      if (at !== -1) {
        if (/^HTTP\/1\.1 200 /.test(text)) hasHead(text.slice(0, at));
        else fail(new Error(`${request.method} ${request.path} answered ${text.slice(0, 500)}`));
        text = null;
      }
    }
    const found = tokens(bytes);
    if (found > 0) heard(found);
    if (end(bytes) > 0) {
      isEnded = true;
      hasEnded();
    }
  };
  const socket: Socket = connect({
    host: hostname,
    port: Number(port),
    onread: {
      buffer: SHARED,
      callback: (length) => {
        read(SHARED.subarray(0, length));
        return true;
      },
    },
  });
  socket.setNoDelay(true);
  socket.once('error', fail);
  socket.once('close', () => {
    if (!isEnded) fail(new Error(`${request.path} broke off`));
  });
  const { body = '' } = request;
  const type = body === '' ? '' : 'content-type: application/json\r\n';
  socket.write(
    `${request.method} ${request.path} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n${type}` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  return { head, ended, close: () => void socket.destroy() };
}

/** Counts a mark in bytes that come in pieces, also where a piece ends within it. */
function counter(text: string): (bytes: Buffer) => number {
  const mark = Buffer.from(text);
  let rest: Buffer = Buffer.alloc(0);
  return (piece) => {
    const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    let [count, from] = [0, 0];
    for (let at = bytes.indexOf(mark); at !== -1; at = bytes.indexOf(mark, from)) {
      count += 1;
      from = at + mark.length;
    }
    rest = beginningAtEnd(bytes.subarray(from), mark);
    return count;
  };
}

/** The end of some bytes that may be the beginning of a mark; a copy, because the bytes are overwritten. */
function beginningAtEnd(bytes: Buffer, mark: Buffer): Buffer {
  for (let length = Math.min(mark.length - 1, bytes.length); length > 0; length -= 1) {
    const tail = bytes.subarray(bytes.length - length);
    if (tail.equals(mark.subarray(0, length))) return Buffer.from(tail);
  }
  return Buffer.alloc(0);
}
