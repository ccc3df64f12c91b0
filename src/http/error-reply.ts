import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type ErrorCode, TurnwiseError } from '../errors.ts';
import type { Dialect } from './door/dialect.ts';

/** Errors of Fastify and its plugins, by their own code, that have a code of ours. */
const OURS: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_VALIDATION: 'invalid_request',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_BODY_TOO_LARGE: 'too_large',
};

/** Sent with every error: no cache keeps it, no browser guesses what it is. */
export const ERROR_HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const;

/** Errors of all routes of a plugin, in its dialect; what went wrong underneath stays in the log. */
export function installErrorReplies(app: FastifyInstance, dialect: ErrorDialect): void {
  app.setErrorHandler((error, request, reply) => {
    const known = publicError(error);
    if (known.status >= 500) request.log.error({ err: error, code: known.code }, 'request failed');
    return sendError(dialect, request, reply, known);
  });
}

/** The part of a dialect that is about errors. */
type ErrorDialect = Pick<Dialect, 'errors' | 'errorBody' | 'errorHeaders'>;

export function sendError(
  dialect: ErrorDialect,
  request: FastifyRequest,
  reply: FastifyReply,
  error: TurnwiseError,
) {
  // A request that the router refused has passed no hook.
  reply.headers({ 'x-request-id': request.id, ...ERROR_HEADERS, ...dialect.errorHeaders?.(error) });
  const { status } = dialect.errors[error.code];
  const isForLater = status === 429 || status === 503;
  if (isForLater) reply.header('retry-after', error.retryAfterSeconds);
  return reply.code(status).type('application/json').send(dialect.errorBody(error, request.id));
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

/** The first mistake in words of ajv, with the name or the values that these leave out. */
function whatIsWrong(error: unknown): string {
  const { message, validation } = error as { message?: unknown; validation?: unknown };
  const first = Array.isArray(validation)
    ? (validation[0] as { params?: Record<string, unknown> })
    : undefined;
  const { additionalProperty: name, allowedValues: values } = first?.params ?? {};
  // A name that a caller made up is echoed only if it looks like one.
  if (typeof name === 'string' && /^[\w.-]{1,64}$/.test(name)) return `${String(message)}: ${name}`;
  return Array.isArray(values) ? `${String(message)}: ${values.join(', ')}` : String(message);
}
