import { TurnwiseError } from '../errors.ts';

/** Why a model refuses for good. `too_long`: by its own words, the prompt does not fit its window. */
export type RefusalReason = 'too_long' | 'filter' | 'other';

/** The model server refuses the request, and would refuse the same one later. */
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
