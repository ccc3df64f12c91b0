import { ERRORS, type ErrorCode, TurnwiseError } from '../../errors.ts';
import type { ErrorTable } from '../door/dialect.ts';

/** An error of this dialect: its status, and the words by which clients of OpenAI know it. */
interface DialectError {
  readonly status: number;
  readonly type: string;
  readonly code: string;
  /** The field at fault, where the error itself names none. */
  readonly param: string | null;
  readonly message: string;
}

/**
 * Where this dialect differs from our own names and statuses. A busy conversation is 400: a client would repeat a 409 by
 * itself, for seconds, without telling anybody.
 */
const OTHER: Partial<Readonly<Record<ErrorCode, Partial<DialectError>>>> = {
  session_busy: {
    status: 400,
    code: 'conversation_locked',
    param: 'conversation',
    message: 'Another response of this conversation is in progress; try again in a few seconds.',
  },
  session_not_found: {
    code: 'conversation_not_found',
    param: 'conversation',
    message: 'There is no such conversation.',
  },
  session_deleted: {
    code: 'conversation_deleted',
    param: 'conversation',
    message: 'The conversation was deleted.',
  },
  turn_not_found: { code: 'response_not_found', message: 'There is no such response.' },
  model_not_found: { param: 'model' },
  unauthorized: { type: 'authentication_error', code: 'invalid_api_key' },
  forbidden: { type: 'permission_error' },
};

function entryOf(code: ErrorCode): DialectError {
  const { status, message } = ERRORS[code];
  const type = status === 429 ? 'rate_limit_error' : status >= 500 ? 'server_error' : 'invalid_request_error';
  return { status, type, code, param: null, message, ...OTHER[code] };
}

const CODES = Object.keys(ERRORS) as ErrorCode[];

/** Every code of ours, in this dialect. */
export const RESPONSE_ERRORS = Object.fromEntries(CODES.map((code) => [code, entryOf(code)])) as Readonly<
  Record<ErrorCode, DialectError>
> satisfies ErrorTable;

export function publicCode(code: ErrorCode): string {
  return RESPONSE_ERRORS[code].code;
}

/**
 * The `error` of a body or of a frame: the four members of OpenAI, and then ours. An error may bring its own code and
 * field, in its details.
 */
export function errorToJson({ code, message, details }: TurnwiseError) {
  const known = RESPONSE_ERRORS[code];
  const { param = known.param, dialect_code: own = known.code, ...more } = details;
  const said = message === ERRORS[code].message ? known.message : message;
  return { message: said, type: known.type, param, code: own, ...more };
}

/** The turn goes on, or may: a client that asked again by itself would have it answered twice. */
const MAY_GO_ON: ReadonlySet<ErrorCode> = new Set(['draining', 'commit_unknown']);

/** Client libraries ask again by themselves after 408, 409, 429 and 5xx, unless they are told not to. */
export function retryHeaders({ code, details }: TurnwiseError): Readonly<Record<string, string>> {
  const isFinal = !ERRORS[code].retryable || (MAY_GO_ON.has(code) && details.turn_id !== undefined);
  return isFinal ? { 'x-should-retry': 'false' } : {};
}

/** A response that is to be continued, but is not there. */
export function previousNotFound(id: string): TurnwiseError {
  return new TurnwiseError('turn_not_found', {
    message: /^[\w-]{1,400}$/.test(id) ? `there is no response ${id}` : 'there is no such response',
    details: { param: 'previous_response_id', dialect_code: 'previous_response_not_found' },
  });
}

/** An item that is asked for, or sent by its id. @param param  where it is named */
export function itemNotFound(param: string): TurnwiseError {
  const details = { param, dialect_code: 'item_not_found' };
  return new TurnwiseError('not_found', { message: 'There is no such item.', details });
}
