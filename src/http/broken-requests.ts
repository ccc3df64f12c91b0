import { type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { type ErrorCode, TurnwiseError } from '../errors.ts';
import { ERROR_HEADERS } from './error-reply.ts';
import { NATIVE } from './native/native-dialect.ts';

/** Errors of Node's HTTP server that have a code of ours; all others are requests that are not HTTP. */
const OURS: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
};

/** A request that Node's parser refuses never reaches Fastify; its reply has the same shape. */
export class BrokenRequests {
  readonly #unfinished = new WeakMap<Socket, Set<ServerResponse>>();

  /** Notes which connections owe a reply. */
  watch(server: Server): void {
    server.on('request', (request, response) => {
      const unfinished = this.#unfinished.get(request.socket) ?? new Set();
      this.#unfinished.set(request.socket, unfinished.add(response));
      response.once('close', () => unfinished.delete(response));
    });
  }

  answer(error: Error & { readonly code?: string }, socket: Socket): void {
    if (error.code === 'ECONNRESET' || !socket.writable || this.#owes(socket)) {
      socket.destroy();
      return;
    }
    const known = new TurnwiseError(OURS[error.code ?? ''] ?? 'invalid_request');
    const body = JSON.stringify(NATIVE.errorBody(known, null));
    const head = [
      `HTTP/1.1 ${known.status} ${STATUS_CODES[known.status]}`,
      'content-type: application/json',
      `content-length: ${Buffer.byteLength(body)}`,
      ...Object.entries(ERROR_HEADERS).map(([name, value]) => `${name}: ${value}`),
      'connection: close',
    ];
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  }

  /** Bytes written now would end up in a reply that has begun, or be taken for the reply to a complete request. */
  #owes(socket: Socket): boolean {
    const unfinished = [...(this.#unfinished.get(socket) ?? [])];
    return unfinished.some((response) => response.headersSent || response.req.complete);
  }
}
