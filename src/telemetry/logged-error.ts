/** What the log holds of an error. */
export interface LoggedError {
  readonly type: string;
  readonly message: string;
  readonly code?: string | number;
  readonly status?: number;
  /** Where it was thrown; without the message that V8 puts on top. */
  readonly stack?: string;
  readonly cause?: LoggedError;
}

/** Depth to which causes of causes are logged. */
const CAUSES = 8;

const LONGEST_MESSAGE = 500;

/**
 * Only the fields of LoggedError: errors of Redis carry the command with all its arguments, which are what people say,
 * or the password; errors of an HTTP client carry the whole reply.
 */
export function loggedError(error: unknown, causes = CAUSES): LoggedError {
  if (!(error instanceof Error)) return { type: typeof error, message: 'not an error' };
  const { code, status, statusCode } = error as Error & Readonly<Record<string, unknown>>;
  const heard = [status, statusCode].find((value) => typeof value === 'number');
  return {
    type: error.name,
    message: messageOf(error),
    ...(isShortCode(code) ? { code } : {}),
    ...(typeof heard === 'number' ? { status: heard } : {}),
    ...(error.stack === undefined ? {} : { stack: framesOf(error.stack) }),
    ...(error.cause instanceof Error && causes > 0 ? { cause: loggedError(error.cause, causes - 1) } : {}),
  };
}

function messageOf(error: Error): string {
  // V8 quotes the text that is not JSON, and Redis the arguments of a command that it does not know.
  if (error instanceof SyntaxError) return 'could not be parsed';
  return error.message.replace(/,? with args beginning with:.*/s, '').slice(0, LONGEST_MESSAGE);
}

function isShortCode(code: unknown): code is string | number {
  return typeof code === 'number' || (typeof code === 'string' && /^[\w.-]{1,64}$/.test(code));
}

function framesOf(stack: string): string {
  return stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .map((line) => line.trim())
    .join('\n');
}
