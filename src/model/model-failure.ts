import { ModelRefused } from '../conversation/model-refused.ts';
import { TurnwiseError } from '../errors.ts';
import { fieldsOf } from './chunk.ts';

/** Refusals that a retry cannot change: the same request would be refused again. */
const PERMANENT: ReadonlySet<number> = new Set([400, 401, 403, 404, 413, 422]);

/** The statuses behind a type or code, where servers send no number: inside a stream, or under a 200. */
const STATUS_BY_CODE: readonly (readonly [RegExp, number])[] = [
  [/server_?error|overloaded|rate_?limit|unavailable|quota/, 500],
  [/invalid_?request|bad_?request|context_length|content_filter/, 400],
  [/authentication|invalid_api_key/, 401],
  [/permission/, 403],
  [/not_?found/, 404],
];

/** A prompt that is too long, whatever the status: LM Studio reports it in the stream, llama.cpp under 500. */
const TOO_LONG =
  /context[ _-]?(?:length|size|window|limit)|exceed_context|maximum context|n_ctx|prompt is too long|input is too long|too many (?:input )?tokens|token count.{0,40}exceed/;

/** Under a status that blames the request, a weaker match is enough. */
const MAYBE_TOO_LONG = /context|too (?:long|large|many)|tokens?\b|length|n_ctx|exceed|window/;

export interface FailureFacts {
  /** HTTP status, or the one that an error inside a reply names; null when there is neither. */
  readonly status: number | null;
  /** The server's own words. Only matched here, never logged: they may quote what the user said. */
  readonly words: string;
  /** Its codes, safe for the log. */
  readonly codes: string;
  /** Whether to try again: as the server says, or false once a reply has begun; null: by the status. */
  readonly mayRetry: boolean | null;
  readonly retryAfterMs: number | null;
}

/** A failed call, as seen inside the model room and nowhere else. */
export class ModelFailure extends Error {
  readonly facts: FailureFacts;

  constructor(what: string, facts: Partial<FailureFacts> = {}, cause?: unknown) {
    super(`the model server ${what}${facts.codes ? ` (${facts.codes})` : ''}`, { cause });
    this.name = 'ModelFailure';
    this.facts = { status: null, words: '', codes: '', mayRetry: null, retryAfterMs: null, ...facts };
  }

  /** The request itself is at fault. */
  get isPermanent(): boolean {
    return this.facts.status !== null && PERMANENT.has(this.facts.status);
  }

  /** The prompt does not fit, by the server's own words. */
  get isTooLong(): boolean {
    return this.facts.status === 413 || this.names(this.isPermanent ? MAYBE_TOO_LONG : TOO_LONG);
  }

  /** The statuses that the `openai` package retries; an error without one may pass as well. */
  get mayPass(): boolean {
    const { status, mayRetry } = this.facts;
    if (mayRetry !== null) return mayRetry;
    if (this.isTooLong || this.facts.retryAfterMs === Number.POSITIVE_INFINITY) return false;
    return status === null || status === 408 || status === 409 || status === 429 || status >= 500;
  }

  names(pattern: RegExp): boolean {
    return pattern.test(this.facts.words);
  }

  /** A 400 or 422 that may be about anything in the request. */
  get isVague(): boolean {
    const { status, words } = this.facts;
    if (status !== 400 && status !== 422) return false;
    return (
      words === '' ||
      /unknown|unrecogni|unexpected|extra|additional|permitted|allowed|supported|field|param|argument|schema|valid|bad request|unprocessable/.test(
        words,
      )
    );
  }

  /** As an error of the core. */
  asTurnwiseError(): TurnwiseError {
    const { status } = this.facts;
    const isFilter =
      this.isPermanent && this.names(/content_?filter|content management policy|safety|moderation/);
    if (this.isTooLong && !isFilter) return new ModelRefused(status ?? 200, 'too_long', this);
    if (!this.isPermanent || status === null) return new TurnwiseError('model_error', { cause: this });
    return new ModelRefused(status, isFilter ? 'filter' : 'other', this);
  }
}

/** A reply with an error status. @param body  as far as it was read; JSON or not */
export function refusedWith(
  status: number,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  body: string,
): ModelFailure {
  const text = body.replace(/^\ufeff/, '');
  const value = parse(text);
  const { words, codes } = wordsOf(fieldsOf(value).error ?? value);
  const asked = String(headers['x-should-retry']);
  return new ModelFailure(`answered ${status}`, {
    status,
    words: value === null ? text.toLowerCase() : words,
    codes: codes === '' ? 'without a code' : codes,
    mayRetry: asked === 'true' ? true : asked === 'false' ? false : null,
    retryAfterMs: retryAfterIn(headers),
  });
}

/** An error inside a reply that began well. */
export function brokenBy(error: unknown): ModelFailure {
  const { words, codes } = wordsOf(error);
  const fields = fieldsOf(error);
  const numbers = [fields.code, fields.status, fields.status_code, fieldsOf(fields.error).code].map(Number);
  const status =
    numbers.find((number) => number >= 400 && number < 600) ??
    STATUS_BY_CODE.find(([pattern]) => pattern.test(codes.toLowerCase()))?.[1] ??
    null;
  return new ModelFailure('reported an error', { status, words, codes });
}

/** All that an error says, in lower case, and those of its codes that are safe for the log. */
function wordsOf(error: unknown): { words: string; codes: string } {
  if (typeof error === 'string') return { words: error.toLowerCase(), codes: '' };
  const { type, code, param, status, error: inner } = fieldsOf(error);
  const codes = [type, code, param, status, fieldsOf(inner).type, fieldsOf(inner).code]
    .filter((one) => typeof one === 'string' || typeof one === 'number')
    .map(String)
    .filter((one) => /^[\w.[\]-]{1,64}$/.test(one));
  return { words: valuesIn(error).join(' ').toLowerCase(), codes: [...new Set(codes)].join(', ') };
}

/** Values only: field names are the protocol's words, not the server's. */
function valuesIn(value: unknown): readonly string[] {
  if (typeof value === 'string' || typeof value === 'number') return [String(value)];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(valuesIn);
}

/** ms; null when the server names no time, Infinity when it names one that no caller waits for. */
function retryAfterIn(headers: Readonly<Record<string, string | string[] | undefined>>): number | null {
  const [ms, after] = [headers['retry-after-ms'], headers['retry-after']].map((value) => String(value ?? ''));
  if (ms !== undefined && /^\d/.test(ms)) return bounded(Number.parseFloat(ms));
  if (after === undefined || after === '') return null;
  return bounded(/^\d/.test(after) ? Number.parseFloat(after) * 1000 : Date.parse(after) - Date.now());
}

/** A server is not retried sooner than it asks for. */
function bounded(ms: number): number | null {
  if (!(ms >= 0)) return null;
  return ms <= 60_000 ? ms : Number.POSITIVE_INFINITY;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
