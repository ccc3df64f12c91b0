import { type Finding, fail, ok, warn } from './finding.ts';

/** What came back when the model server was asked for its models. */
export type ModelAnswer =
  | { readonly kind: 'listed'; readonly names: readonly string[] }
  | { readonly kind: 'refused'; readonly status: number }
  | { readonly kind: 'silent'; readonly reason: string };

/** @param wanted  names of OPENAI_MODEL */
export function checkModel(answer: ModelAnswer, place: string, wanted: readonly string[]): Finding {
  switch (answer.kind) {
    case 'listed': {
      const missing = wanted.filter((name) => !answer.names.includes(name));
      if (missing.length === 0) return ok('model', `${place} has ${wanted.join(', ')}`);
      return warn(
        'model',
        `${place} does not list ${missing.join(', ')}`,
        'Compare OPENAI_MODEL with the names that the server knows; some servers do not list all.',
      );
    }
    case 'refused':
      if (answer.status === 401 || answer.status === 403) {
        return fail('model', `${place} refuses the key (${answer.status})`, 'Set a valid OPENAI_API_KEY.');
      }
      if (answer.status === 404 || answer.status === 405) {
        return warn(
          'model',
          `${place} answers, but has no list of models (${answer.status})`,
          'Make sure that OPENAI_BASE_URL ends where `/chat/completions` begins, most often in `/v1`.',
        );
      }
      return fail('model', `${place} answers ${answer.status}`, 'Look at the log of the model server.');
    case 'silent':
      return fail(
        'model',
        `${place}: ${answer.reason}`,
        'Check OPENAI_BASE_URL, the network and the server.',
      );
  }
}
