import type { ModelPart } from '../conversation/ports/model.ts';
import type { Usage } from '../conversation/usage.ts';

/** What one chunk of a stream, or a whole answer, says. */
export interface Chunk {
  readonly parts: readonly ModelPart[];
  /** The parts are all of the answer so far, not only what is new. */
  readonly isSnapshot: boolean;
  readonly finishReason: string | null;
  readonly usage: Usage | null;
  /** An error in place of an answer, as the server wrote it. */
  readonly error: unknown;
}

type Fields = Readonly<Record<string, unknown>>;

/** Longest finish reason that is passed on; those of the protocol have 14 characters at most. */
const LONGEST_REASON = 64;

/** Fields of a delta that hold reasoning; a server that fills two of them says the same in both. */
const REASONING_FIELDS = ['reasoning_content', 'reasoning', 'reasoning_text', 'thinking'];

/**
 * Reads a chunk as servers send it, not as the types of the protocol have it: each field may be missing, `null`, empty
 * or of another shape.
 */
export function readChunk(value: unknown): Chunk {
  const chunk = fieldsOf(value);
  const choice = firstChoice(chunk.choices);
  const error = errorIn(chunk) ?? errorIn(choice);
  // Whole answers have a message; a gateway may send one as a chunk, at the end, or one that grows beside each delta.
  const isSnapshot = !isFields(choice.delta);
  const said = fieldsOf(isSnapshot ? choice.message : choice.delta);
  return {
    parts: [...contentParts(said), ...callParts(said)],
    isSnapshot,
    finishReason: reasonIn(choice.finish_reason),
    usage: usageIn(chunk.usage) ?? usageIn(fieldsOf(chunk.x_groq).usage) ?? usageIn(choice.usage),
    error,
  };
}

function firstChoice(choices: unknown): Fields {
  if (!Array.isArray(choices)) return {};
  return fieldsOf(choices.find((choice: unknown) => fieldsOf(choice).index === 0) ?? choices[0]);
}

/** Some servers send an empty reason with every chunk, or the word `null`. */
function reasonIn(reason: unknown): string | null {
  if (typeof reason !== 'string' || /^(?:|null|none)$/i.test(reason)) return null;
  return reason.slice(0, LONGEST_REASON);
}

/** Names that servers give to an error beside OpenAI's `error`: FastChat, FastAPI, MiniMax and others. */
const ERROR_FIELDS = ['error', 'errors', 'error_code', 'error_msg', 'error_message', 'detail'];

/**
 * `{error: …}` of OpenAI, `{object: "error", …}` of older vLLM, `{type: "error", …}` of Anthropic, and anything without
 * choices that has the fields of an error. A chunk with choices may have any field beside them.
 */
function errorIn(fields: Fields): unknown {
  if (isSet(fields.error)) return fields.error;
  if (fields.object === 'error' || fields.type === 'error') return fields;
  if (Array.isArray(fields.choices) || fields.delta !== undefined || fields.index !== undefined) return null;
  const isNamed = ERROR_FIELDS.some((name) => isSet(fields[name]));
  const hasCode = isSet(fields.code) && typeof fields.message === 'string';
  const hasStatus = Number(fields.status) >= 400 || Number(fieldsOf(fields.base_resp).status_code) > 0;
  return isNamed || hasCode || hasStatus ? fields : null;
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '' && value !== 0 && value !== false;
}

function contentParts(said: Fields): readonly ModelPart[] {
  const parts: ModelPart[] = [];
  for (const name of REASONING_FIELDS) {
    const text = textOf(said[name]);
    if (text === '') continue;
    parts.push({ type: 'reasoning', text });
    break;
  }
  const content = Array.isArray(said.content) ? said.content : [said.content];
  for (const part of content) {
    const read = contentPart(part);
    if (read !== null) parts.push(read);
  }
  const refusal = textOf(said.refusal);
  if (refusal !== '') parts.push({ type: 'text', text: refusal });
  return parts;
}

/** Mistral's reasoning models send `{type: "thinking", thinking: [{type: "text", text}]}` among the parts. */
function contentPart(part: unknown): ModelPart | null {
  const { type } = fieldsOf(part);
  const isThought = typeof type === 'string' && /think|reason/.test(type);
  const text = textOf(part);
  return text === '' ? null : { type: isThought ? 'reasoning' : 'text', text };
}

/** The text of a string, of a part, or of a list of either. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(textOf).join('');
  if (!isFields(value)) return '';
  return textOf(value.text ?? value.thinking ?? value.refusal);
}

function callParts(said: Fields): readonly ModelPart[] {
  const calls = Array.isArray(said.tool_calls) ? said.tool_calls : [];
  const parts = calls.map((call: unknown, place) => callPart(fieldsOf(call), place));
  // The older form, from before tools.
  if (isFields(said.function_call)) parts.push(callPart({ function: said.function_call }, 0));
  return parts;
}

function callPart(call: Fields, place: number): ModelPart {
  const wanted = fieldsOf(call.function);
  const { arguments: given } = wanted;
  return {
    type: 'tool_call',
    index: isCount(call.index) ? call.index : place,
    callId: typeof call.id === 'string' && call.id !== '' ? call.id : null,
    name: typeof wanted.name === 'string' && wanted.name !== '' ? wanted.name : null,
    arguments: typeof given === 'string' ? given : given === undefined ? '' : JSON.stringify(given),
  };
}

/** Counts of a server are not trusted: by the time they are shown, the turn is committed. */
function usageIn(sent: unknown): Usage | null {
  const fields = fieldsOf(sent);
  const [promptTokens, completionTokens, totalTokens] = [
    fields.prompt_tokens,
    fields.completion_tokens,
    fields.total_tokens,
  ];
  return isCount(promptTokens) && isCount(completionTokens) && isCount(totalTokens)
    ? { promptTokens, completionTokens, totalTokens }
    : null;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {};
}
