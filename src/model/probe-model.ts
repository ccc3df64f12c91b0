import { ModelRefused } from '../conversation/model-refused.ts';
import { textParts } from '../conversation/parts.ts';
import { hasCode } from '../errors.ts';
import type { Need } from './needs.ts';
import { OpenAiModel, type OpenAiModelSettings } from './openai.ts';

/** The outcome of one short question; `reason` may be shown to an operator. */
export type ModelProbe =
  | { readonly kind: 'answered'; readonly needs: readonly Need[] }
  | { readonly kind: 'refused'; readonly status: number; readonly reason: string }
  | { readonly kind: 'silent' | 'failed'; readonly reason: string };

const TIMEOUT_MS = 10_000;

const QUESTION = [{ role: 'user', parts: textParts('Reply with the one word: ok') }] as const;

/** Asks a model a question just as a turn would; never throws. */
export async function probeModel(
  settings: Omit<OpenAiModelSettings, 'found' | 'maxRetries'>,
  name: string,
): Promise<ModelProbe> {
  const needs: Need[] = [];
  const model = new OpenAiModel({ ...settings, maxRetries: 0, found: (need) => needs.push(need) });
  const question = { model: name, messages: QUESTION, parameters: {} };
  try {
    await model.ask(question, AbortSignal.timeout(TIMEOUT_MS), () => {});
    return { kind: 'answered', needs };
  } catch (error) {
    if (hasCode(error, 'model_timeout')) {
      return { kind: 'silent', reason: `no answer in ${TIMEOUT_MS / 1000} s` };
    }
    const reason = error instanceof Error && error.cause instanceof Error ? error.cause.message : 'no answer';
    return error instanceof ModelRefused
      ? { kind: 'refused', status: error.modelStatus, reason }
      : { kind: 'failed', reason };
  } finally {
    await model.close();
  }
}
