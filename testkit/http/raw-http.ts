import { connect } from 'node:net';
import { parseIfJson } from './http.ts';

export interface RawAnswer {
  readonly status: number;
  /** With lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Parsed when it is JSON, else the text. */
  readonly body: unknown;
}

/**
 * Sends raw bytes and reads until the server closes; for requests that no client library would send. The
 * request should say `Connection: close`.
 *
 * @throws   when the connection is not closed in 5 s
 */
export function sendRaw(port: number, bytes: string | Uint8Array): Promise<RawAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<RawAnswer>();
  const parts: Buffer[] = [];
  const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
  socket.setTimeout(5000, () => socket.destroy(new Error('no reply in 5 s')));
  socket.on('data', (part) => parts.push(part));
  socket.once('error', reject);
  socket.once('close', () => resolve(parse(Buffer.concat(parts).toString('utf8'))));
  return promise;
}

function parse(text: string): RawAnswer {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [first = '', ...lines] = head.split('\r\n');
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return {
    status: Number(first.split(' ')[1] ?? 0),
    headers: Object.fromEntries(headers),
    body: parseIfJson(rest.join('\r\n\r\n')),
  };
}

/** A request as text; a body gets a content-length unless a header sets it. */
export function rawRequest(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body = '',
): string {
  const all = {
    host: '127.0.0.1',
    connection: 'close',
    ...(body === '' || 'transfer-encoding' in headers
      ? {}
      : { 'content-length': String(Buffer.byteLength(body)) }),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`;
}
