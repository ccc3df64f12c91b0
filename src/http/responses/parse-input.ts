import type { Input, InputMessage } from '../../conversation/input.ts';
import { type Part, pushPart, textOf } from '../../conversation/parts.ts';
import { type Fields, refused } from './fields.ts';
import { readSummary } from './summary-item.ts';

/** What the input of a request says. */
export interface ParsedInput {
  readonly input: Input;
  /** Texts of the system and developer messages at its beginning. */
  readonly instructions: readonly string[];
  /** Stored items that it names and does not repeat, each in its place: `input` lacks them until they are looked up. */
  readonly references: readonly ItemReference[];
}

export interface ItemReference {
  readonly itemId: string;
  readonly path: string;
  /** The index in `input` before which the item belongs. */
  readonly at: number;
}

export const NO_INPUT: ParsedInput = { input: [], instructions: [], references: [] };

/** Most items that one request may hold: each is small work, and the body is bounded already. */
const MOST_ITEMS = 10_000;

/** @param name  of the field: `input`, which may be a text as well, or another list of items. @throws invalid_request, with the path of what is wrong */
export function parseInput(body: Fields, name = 'input'): ParsedInput {
  const given = body.raw(name);
  if (given === undefined) throw refused(name, `${name} is missing`);
  if (typeof given === 'string' && name === 'input') {
    return {
      input: [{ role: 'user', parts: [{ type: 'text', text: given }] }],
      instructions: [],
      references: [],
    };
  }
  if (!Array.isArray(given)) throw refused(name, `${name} must be an array`);
  if (given.length === 0) throw refused(name, `${name} must not be empty`);
  if (given.length > MOST_ITEMS) throw refused(name, `${name} must have at most ${MOST_ITEMS} items`);
  const items = new InputItems();
  for (const item of body.objects(name) ?? []) items.add(item);
  return items;
}

/** Collects items in order; what one message of the history holds becomes one message again. */
class InputItems implements ParsedInput {
  readonly input: InputMessage[] = [];
  readonly instructions: string[] = [];
  readonly references: ItemReference[] = [];
  #isBeginning = true;

  add(item: Fields): void {
    const type = item.text('type') ?? (item.has('role') ? 'message' : 'item_reference');
    if (type === 'message' && this.#addInstructions(item)) return;
    this.#isBeginning = false;
    switch (type) {
      case 'message':
        this.#addMessage(item);
        return;
      case 'function_call':
        this.#addToAnswer({
          type: 'function_call',
          callId: item.needText('call_id'),
          name: item.needText('name'),
          arguments: item.needText('arguments'),
        });
        return;
      case 'function_call_output':
        this.#put('tool', [
          {
            type: 'function_result',
            callId: item.needText('call_id'),
            output: outputOf(item),
            isError: false,
          },
        ]);
        return;
      // What a model thought is never sent back to one.
      case 'reasoning':
        return;
      case 'item_reference':
        this.references.push({ itemId: item.needText('id'), path: item.path, at: this.input.length });
        return;
      case 'compaction':
        this.#put('user', [{ type: 'text', text: readSummary(item) }]);
        return;
      default:
        throw refused(item.path, `${item.path}: items of type ${shownType(type)} are not supported`);
    }
  }

  /** @returns whether it was a system or developer message, which acts as instructions at the beginning */
  #addInstructions(item: Fields): boolean {
    const role = item.oneOf('role', ['user', 'assistant', 'system', 'developer']);
    if (role !== 'system' && role !== 'developer') return false;
    if (!this.#isBeginning) {
      throw refused(item.path, `${item.path}: a ${role} message may stand only at the beginning`);
    }
    this.instructions.push(textOnly(item));
    return true;
  }

  #addMessage(item: Fields): void {
    const role = item.needText('role') === 'assistant' ? 'assistant' : 'user';
    const parts = contentOf(item);
    if (role === 'assistant' && parts.some(({ type }) => type !== 'text')) {
      throw refused(
        item.pathOf('content'),
        `${item.pathOf('content')}: an assistant message holds text only`,
      );
    }
    this.#put(role, parts);
  }

  /** Calls belong to the message of the assistant before them, as in the history. */
  #addToAnswer(part: Part): void {
    const last = this.input.at(-1);
    if (last?.role !== 'assistant') this.#put('assistant', [part]);
    else this.input[this.input.length - 1] = { ...last, parts: [...last.parts, part] };
  }

  #put(role: InputMessage['role'], parts: readonly Part[]): void {
    this.input.push({ role, parts });
  }
}

/** The content of a message: a text, or parts of it. */
function contentOf(item: Fields): readonly Part[] {
  const content = item.raw('content');
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  const parts: Part[] = [];
  for (const part of needParts(item, 'content')) pushPart(parts, partOf(part));
  return parts;
}

function partOf(part: Fields): Part {
  const type = part.needText('type');
  switch (type) {
    case 'input_text':
    case 'output_text':
    case 'text':
      return { type: 'text', text: part.needText('text') };
    case 'refusal':
      return { type: 'text', text: part.needText('refusal') };
    case 'input_image':
      if (part.has('file_id')) throw refused(part.pathOf('file_id'), 'no files are kept here');
      return { type: 'image', imageUrl: part.needText('image_url') };
    case 'input_file': {
      if (part.has('file_id')) throw refused(part.pathOf('file_id'), 'no files are kept here');
      const [fileUrl, fileData] = [part.text('file_url') ?? null, part.text('file_data') ?? null];
      if ((fileUrl === null) === (fileData === null)) {
        throw refused(part.path, `${part.path} must have one of file_url and file_data`);
      }
      return { type: 'file', filename: part.text('filename', 255) ?? null, fileUrl, fileData };
    }
    default:
      throw refused(part.path, `${part.path}: content of type ${shownType(type)} is not supported`);
  }
}

function textOnly(item: Fields): string {
  const parts = contentOf(item);
  if (parts.some(({ type }) => type !== 'text'))
    throw refused(item.pathOf('content'), 'instructions are text');
  return textOf(parts);
}

/** The output of a tool: a text, or texts. Most models take nothing else from a tool. */
function outputOf(item: Fields): string {
  const output = item.raw('output');
  if (typeof output === 'string') return output;
  return needParts(item, 'output')
    .map((part) => {
      const type = part.needText('type');
      if (type === 'input_text' || type === 'output_text') return part.needText('text');
      throw refused(part.path, `${part.path}: the output of a tool is text`);
    })
    .join('');
}

function needParts(item: Fields, name: string): readonly Fields[] {
  const parts = item.objects(name);
  if (parts === undefined) throw refused(item.pathOf(name), `${item.pathOf(name)} is missing`);
  return parts;
}

function shownType(type: string): string {
  return /^[\w.-]{1,64}$/.test(type) ? type : 'that name';
}
