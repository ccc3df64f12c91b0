import OpenAI from 'openai';
import { connectToModel, type ModelServer } from './connection.ts';

/** The outcome; `reason` may be shown to an operator. */
export type ModelList =
  | { readonly kind: 'listed'; readonly names: readonly string[] }
  | { readonly kind: 'refused'; readonly status: number }
  | { readonly kind: 'silent'; readonly reason: string };

const TIMEOUT_MS = 5000;

/** Some servers list thousands of models in one line. */
const LONGEST_LIST_BYTES = 16_777_216;

/** Asks an OpenAI-compatible server which models it has, connecting as turns do; never throws. */
export async function listModels(server: ModelServer): Promise<ModelList> {
  const { client, close } = await connectToModel({ ...server, maxReplyBytes: LONGEST_LIST_BYTES });
  try {
    const { data } = await client.models.list({ timeout: TIMEOUT_MS });
    return { kind: 'listed', names: Array.isArray(data) ? data.map((model) => String(model.id)) : [] };
  } catch (error) {
    if (error instanceof OpenAI.APIConnectionTimeoutError) {
      return { kind: 'silent', reason: `no answer in ${TIMEOUT_MS / 1000} s` };
    }
    if (error instanceof OpenAI.APIError && typeof error.status === 'number') {
      return { kind: 'refused', status: error.status };
    }
    return { kind: 'silent', reason: rootOf(error) };
  } finally {
    await close();
  }
}

/** The innermost cause says what happened: the SDK only says that it could not connect. */
function rootOf(error: unknown): string {
  let root = error;
  while (root instanceof Error && root.cause instanceof Error) root = root.cause;
  if (!(root instanceof Error)) return 'no answer';
  return root.message === '' && 'code' in root ? String(root.code) : root.message;
}
