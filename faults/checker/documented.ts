/** The documented codes and their statuses; repeated here, so that a change of the product is noticed. */
export const DOCUMENTED: ReadonlyMap<string, number> = new Map([
  ['invalid_request', 400],
  ['unauthorized', 401],
  ['forbidden', 403],
  ['not_found', 404],
  ['session_not_found', 404],
  ['turn_not_found', 404],
  ['model_not_found', 404],
  ['method_not_allowed', 405],
  ['session_busy', 409],
  ['session_deleted', 409],
  ['too_large', 413],
  ['unsupported_media_type', 415],
  ['idempotency_mismatch', 422],
  ['queue_full', 429],
  ['rate_limited', 429],
  ['budget_exhausted', 429],
  ['headers_too_large', 431],
  ['corrupt_session', 500],
  ['internal', 500],
  ['model_error', 502],
  ['attempts_exhausted', 502],
  ['redis_unavailable', 503],
  ['storage_full', 503],
  ['draining', 503],
  ['overloaded', 503],
  ['queue_timeout', 503],
  ['commit_unknown', 503],
  ['model_timeout', 504],
  ['request_timeout', 408],
  // From the balancer; 504 when the replica did not reply.
  ['replica_lost', 502],
]);

/** The balancer gives requests no ids. */
export const OF_THE_BALANCER: ReadonlySet<string> = new Set(['replica_lost', 'overloaded']);

/** Codes that leave open whether the turn became history: it may continue, or the outcome is unknown. */
export const UNDECIDED: ReadonlySet<string> = new Set(['commit_unknown', 'draining', 'replica_lost']);
