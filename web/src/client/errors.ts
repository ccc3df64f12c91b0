/** What went wrong, as a code: those of the API, and `unreachable` and `bad_answer` of this client. */
export class ApiError extends Error {
  readonly code: string;
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** How long the server asks to wait; null when it does not say. */
  readonly retryAfterMs: number | null;

  constructor(code: string, status = 0, retryAfterMs: number | null = null, options: ErrorOptions = {}) {
    super(code, options);
    this.name = 'ApiError';
    this.code = code;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }

  /** Whether the same request may succeed later, without a change. */
  get isPassing(): boolean {
    return [0, 429, 502, 503].includes(this.status) || this.code === 'replica_lost';
  }
}

export async function errorOf(response: Response): Promise<ApiError> {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  const retryAfterMs = Number.isFinite(seconds) ? seconds * 1000 : null;
  let code = 'bad_answer';
  try {
    const body: unknown = await response.json();
    code = (body as { error: { code: string } }).error.code;
  } catch {
    // A proxy in between answers in words of its own.
  }
  return new ApiError(code, response.status, retryAfterMs);
}
