import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type ERRORS, RETRY_AFTER_SECONDS, TurnwiseError } from '../errors.ts';

/** Errors of Fastify and its plugins, by their own code, that have a code of ours. */
const OURS: Readonly<Record<string, keyof typeof ERRORS>> = {
  FST_ERR_VALIDATION: 'invalid_request',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_BODY_TOO_LARGE: 'too_large',
};

/** Beside what the answer is about: nobody keeps it, nobody guesses what it is. */
export const ERROR_HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const;

/** One shape for every error that leaves this server; what went wrong underneath stays in the log. */
export function errorBody(error: TurnwiseError, requestId: string | null) {
  return { error: { code: error.code, message: error.message, request_id: requestId, ...error.details } };
}

export function installErrorReplies(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => {
    const known = publicError(error);
    if (known.status >= 500) request.log.error({ err: error, code: known.code }, 'request failed');
    return sendError(request, reply, known);
  });
  app.setNotFoundHandler((request, reply) => sendError(request, reply, new TurnwiseError('not_found')));
}

export function sendError(request: FastifyRequest, reply: FastifyReply, error: TurnwiseError) {
  // A request that the router refused has passed no hook.
  reply.headers({ 'x-request-id': request.id, ...ERROR_HEADERS });
  const isForLater = error.status === 429 || error.status === 503;
  if (isForLater && !reply.hasHeader('retry-after')) reply.header('retry-after', RETRY_AFTER_SECONDS);
  return reply.code(error.status).type('application/json').send(errorBody(error, request.id));
}

export function publicError(error: unknown): TurnwiseError {
  if (error instanceof TurnwiseError) return error;
  const raised = error as { code?: unknown; statusCode?: unknown; message?: unknown };
  const code = typeof raised.code === 'string' ? OURS[raised.code] : undefined;
  if (code === 'invalid_request') {
    return new TurnwiseError(code, { message: whatIsWrong(error), cause: error });
  }
  if (code !== undefined) return new TurnwiseError(code, { cause: error });
  if (error instanceof SyntaxError) {
    return new TurnwiseError('invalid_request', { message: 'the body is not JSON', cause: error });
  }
  const status = typeof raised.statusCode === 'number' ? raised.statusCode : 500;
  if (status >= 400 && status < 500) return new TurnwiseError('invalid_request', { cause: error });
  return new TurnwiseError('internal', { cause: error });
}

/** The first mistake in words of ajv, with the name or the values that those leave out. */
function whatIsWrong(error: unknown): string {
  const { message, validation } = error as { message?: unknown; validation?: unknown };
  const first = Array.isArray(validation)
    ? (validation[0] as { params?: Record<string, unknown> })
    : undefined;
  const { additionalProperty: name, allowedValues: values } = first?.params ?? {};
  // What a caller made up is told back only as far as it is a name.
  if (typeof name === 'string' && /^[\w.-]{1,64}$/.test(name)) return `${String(message)}: ${name}`;
  return Array.isArray(values) ? `${String(message)}: ${values.join(', ')}` : String(message);
}
