import type { Input } from '../../conversation/input.ts';
import type { TurnOptions } from '../../conversation/turn.ts';
import { DEFAULTS, type Echo } from './echo.ts';
import { Fields, refused } from './fields.ts';
import { type ItemReference, NO_INPUT, parseInput } from './parse-input.ts';
import { parseText } from './parse-text.ts';
import { parseTools } from './parse-tools.ts';

/** What the body of a request for a response asks for. */
export interface ResponseRequest {
  readonly model: string | null;
  readonly input: Input;
  readonly references: readonly ItemReference[];
  readonly options: TurnOptions;
  readonly conversationId: string | null;
  readonly previousResponseId: string | null;
  readonly isStream: boolean;
  /** What is shown again. */
  readonly echo: Echo;
}

/** Fields that shape the answer, or say where it belongs and how it is given. */
const HONOURED = [
  ...[
    'model',
    'input',
    'instructions',
    'conversation',
    'previous_response_id',
    'store',
    'background',
    'stream',
  ],
  ...['tools', 'tool_choice', 'parallel_tool_calls', 'text', 'reasoning', 'temperature', 'top_p'],
  ...['presence_penalty', 'frequency_penalty', 'max_output_tokens'],
];
/** Fields that change nothing here, most of them shown again. */
const ACCEPTED = [
  ...[
    'metadata',
    'user',
    'safety_identifier',
    'prompt_cache_key',
    'prompt_cache_retention',
    'prompt_cache_options',
  ],
  ...['service_tier', 'truncation', 'max_tool_calls', 'top_logprobs', 'include', 'stream_options'],
];
/** Known to clients, but an answer without them would be another one. */
const UNSUPPORTED = ['prompt', 'context_management', 'moderation'];
const KNOWN: ReadonlySet<string> = new Set([...HONOURED, ...ACCEPTED, ...UNSUPPORTED]);

/** The further output that a client may ask for and never gets here, because nothing here makes it. */
const INCLUDABLE: ReadonlySet<string> = new Set([
  'reasoning.encrypted_content',
  'file_search_call.results',
  'web_search_call.results',
  'web_search_call.action.sources',
  'message.input_image.image_url',
  'computer_call_output.output.image_url',
  'code_interpreter_call.outputs',
]);

const EFFORTS = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const;
const TIERS = ['auto', 'default', 'flex', 'scale', 'priority', 'fast', 'standard'] as const;

/**
 * Reads the body of a request for a response.
 *
 * @param defaultModel  the name that a response shows when the request names none
 * @param needsInput    false: it may be left out
 * @throws invalid_request, with the field as `param`
 */
export function parseRequest(json: unknown, defaultModel: string | null, needsInput = true): ResponseRequest {
  const body = new Fields(json, '');
  for (const name of UNSUPPORTED) {
    const given = body.raw(name);
    const isEmpty = given === undefined || (Array.isArray(given) && given.length === 0);
    if (!isEmpty) throw refused(name, `${name} is not supported`);
  }
  body.only(KNOWN);
  refuseExtras(body);
  const {
    input,
    instructions: leading,
    references,
  } = needsInput || body.has('input') ? parseInput(body) : NO_INPUT;
  const { tools, parameters: toolParameters, ...shownTools } = parseTools(body);
  const text = parseText(body);
  const sampling = parseSampling(body);
  const reasoning = parseReasoning(body);
  const given = body.text('instructions');
  const instructions = [...(given === undefined ? [] : [given]), ...leading];
  const model = body.text('model', 256) ?? null;
  // As at OpenAI: a client that forgets it would be surprised later, by another deployment.
  if (model === null && needsInput) throw refused('model', 'model is missing');
  const conversationId = conversationIn(body);
  const previousResponseId = body.text('previous_response_id') ?? null;
  if (conversationId !== null && previousResponseId !== null) {
    throw refused('previous_response_id', 'previous_response_id and conversation exclude each other');
  }
  const maxOutputTokens = body.integer('max_output_tokens', 1);
  const tier = body.oneOf('service_tier', TIERS);
  const echo: Echo = {
    ...DEFAULTS,
    ...sampling,
    model: model ?? defaultModel ?? '',
    previous_response_id: previousResponseId,
    conversation: conversationId === null ? null : { id: conversationId },
    instructions: given ?? null,
    tools: shownTools.shown,
    tool_choice: shownTools.shownChoice,
    parallel_tool_calls: body.flag('parallel_tool_calls') ?? true,
    text: text.shown,
    reasoning: reasoning.shown,
    max_output_tokens: maxOutputTokens ?? null,
    max_tool_calls: body.integer('max_tool_calls', 1) ?? null,
    truncation: body.oneOf('truncation', ['auto', 'disabled']) ?? 'disabled',
    store: body.flag('store') ?? true,
    background: body.flag('background') ?? false,
    service_tier: tier === undefined || tier === 'auto' ? 'default' : tier,
    metadata: metadataIn(body) ?? {},
    safety_identifier: body.text('safety_identifier', 512) ?? null,
    prompt_cache_key: body.text('prompt_cache_key', 512) ?? null,
    user: body.text('user', 512) ?? null,
  };
  if (echo.background && !echo.store) throw refused('background', 'a background response must be stored');
  const parameters = {
    ...sampling,
    ...reasoning.parameters,
    ...text.parameters,
    ...toolParameters,
    // Of the two names that servers know, the one that nearly all of them take.
    ...(maxOutputTokens === undefined ? {} : { max_tokens: maxOutputTokens }),
  };
  return {
    ...{ model, input, references, conversationId, previousResponseId, echo },
    isStream: body.flag('stream') ?? false,
    options: {
      ...(instructions.length === 0 ? {} : { instructions: instructions.join('\n\n') }),
      ...(Object.keys(parameters).length === 0 ? {} : { parameters }),
      ...(tools.length === 0 ? {} : { tools }),
    },
  };
}

/** `metadata`: at most 16 pairs of short texts; undefined when there is none. @throws invalid_request */
export function metadataIn(body: Fields): Readonly<Record<string, string>> | undefined {
  if (body.object('metadata') === undefined) return undefined;
  const metadata = body.raw('metadata') as Readonly<Record<string, string>>;
  const pairs: readonly (readonly [string, unknown])[] = Object.entries(metadata);
  if (pairs.length > 16) throw refused('metadata', 'metadata may have at most 16 pairs');
  for (const [name, value] of pairs) {
    if (name.length > 64) throw refused('metadata', 'a key of metadata is at most 64 characters long');
    if (typeof value !== 'string' || value.length > 512) {
      throw refused('metadata', 'a value of metadata is a string of at most 512 characters');
    }
  }
  return metadata;
}

/** The conversation that a request names: an id, or an object with one. */
export function conversationIn(body: Fields): string | null {
  const given = body.raw('conversation');
  if (given === undefined) return null;
  return typeof given === 'string' ? given : (body.object('conversation')?.needText('id') ?? null);
}

function parseSampling(body: Fields) {
  const given = {
    temperature: body.number('temperature', 0, 2),
    top_p: body.number('top_p', 0, 1),
    presence_penalty: body.number('presence_penalty', -2, 2),
    frequency_penalty: body.number('frequency_penalty', -2, 2),
  };
  const chosen = Object.entries(given).filter(([, value]) => value !== undefined);
  return Object.fromEntries(chosen) as { [name in keyof typeof given]?: number };
}

const REASONING = new Set(['effort', 'summary', 'generate_summary', 'context', 'mode']);

function parseReasoning(body: Fields) {
  const reasoning = body.object('reasoning');
  reasoning?.only(REASONING);
  for (const [name, usual] of [
    ['context', 'auto'],
    ['mode', 'standard'],
  ] as const) {
    if ((reasoning?.text(name) ?? usual) !== usual) {
      throw refused(`reasoning.${name}`, `reasoning.${name} is not supported`);
    }
  }
  const effort = reasoning?.oneOf('effort', EFFORTS);
  // A summary cannot be asked of a model server; what the model thinks is shown as it is.
  const summary = reasoning?.oneOf('summary', ['auto', 'concise', 'detailed']);
  return {
    parameters: effort === undefined ? {} : { reasoning_effort: effort },
    shown: { effort: effort ?? null, summary: summary ?? null },
  };
}

/** What could be asked for and is never given here. */
function refuseExtras(body: Fields): void {
  if ((body.integer('top_logprobs', 0, 20) ?? 0) > 0) {
    throw refused('top_logprobs', 'top_logprobs is not supported');
  }
  for (const wanted of body.list('include') ?? []) {
    if (typeof wanted !== 'string' || !INCLUDABLE.has(wanted)) {
      throw refused('include', 'include names something that is not supported');
    }
  }
  body.object('stream_options')?.only(new Set(['include_obfuscation']));
}
