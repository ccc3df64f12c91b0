import type { FastifyInstance } from 'fastify';
import { TurnwiseError } from '../errors.ts';

/**
 * Bodies are JSON in UTF-8 and nothing else. Fastify by itself also reads text/plain, past our schemas, and puts a
 * replacement character where bytes are not UTF-8: what the user said would be changed silently.
 */
export function readBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  // A byte order mark is left in, so that it can be refused.
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  // Many clients name a type with every request. Without a body, the type means nothing.
  app.addHook('onRequest', async (request) => {
    const { 'content-length': length, 'transfer-encoding': coding } = request.headers;
    if (coding === undefined && (length === undefined || length === '0'))
      delete request.headers['content-type'];
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    // JSON that claims to be compressed is not what it claims; nothing here decompresses it.
    if ((request.headers['content-encoding'] ?? 'identity') !== 'identity') {
      done(new TurnwiseError('unsupported_media_type', { message: 'the body must not be encoded' }));
      return;
    }
    let text: string;
    try {
      text = utf8.decode(body as Buffer);
    } catch (cause) {
      done(new TurnwiseError('invalid_request', { message: 'the body is not UTF-8', cause }));
      return;
    }
    // The parser would ignore a byte order mark.
    if (text.startsWith('\ufeff')) {
      done(new TurnwiseError('invalid_request', { message: 'the body begins with a byte order mark' }));
      return;
    }
    parse(request, text, done);
  });
}
