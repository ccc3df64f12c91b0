import { TurnwiseError } from '../errors.ts';

/** What a model refuses for good. `too_long`: the prompt does not fit its window, as far as its words tell. */
export type RefusalReason = 'too_long' | 'filter' | 'other';

/** The model server does not take the request, and would not take the same one later. */
export class ModelRefused extends TurnwiseError {
  readonly modelStatus: number;
  readonly reason: RefusalReason;

  /** @param modelStatus  HTTP status of the refusal; 200 when a filter ended an answer before it began */
  constructor(modelStatus: number, reason: RefusalReason, cause: unknown) {
    super('model_refused', { cause, details: { model_status: modelStatus } });
    this.modelStatus = modelStatus;
    this.reason = reason;
  }
}
