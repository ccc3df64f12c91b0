import type { ModelList } from '../../model/list-models.ts';
import type { ModelProbe } from '../../model/probe-model.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

/** @param wanted  names of OPENAI_MODEL */
export function checkModel(answer: ModelList, place: string, wanted: readonly string[]): Finding {
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

/** Whether the model answers as a turn asks it, and what its server needs for that. */
export function checkAnswer(probe: ModelProbe, model: string): Finding {
  switch (probe.kind) {
    case 'answered':
      if (probe.needs.length === 0) return ok('answer', `${model} answers`);
      return warn(
        'answer',
        `${model} answers, but its server takes only ${probe.needs.join(' and ')}`,
        'Replicas find that out by themselves; docs/models.md has the settings that spare them the first refusal.',
      );
    case 'refused':
      return fail(
        'answer',
        `${model} refuses a plain question: ${probe.reason}`,
        'Compare OPENAI_MODEL, OPENAI_API_KEY and MODEL_EXTRA_BODY with docs/models.md.',
      );
    case 'silent':
      return warn('answer', `${model}: ${probe.reason}`, 'It may be busy, or still load: try it again.');
    case 'failed':
      return fail('answer', `${model}: ${probe.reason}`, 'Look at the log of the model server.');
  }
}
