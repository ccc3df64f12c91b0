/** One piece of a message. */
export type Part =
  | { readonly type: 'text'; readonly text: string }
  /** The model's reasoning; never sent back to it. */
  | { readonly type: 'reasoning'; readonly text: string }
  /** An https or data URL, passed on unchanged. */
  | { readonly type: 'image'; readonly imageUrl: string }
  | {
      readonly type: 'file';
      readonly filename: string | null;
      /** One of the two: a URL, or base64 with its media type as a data URL. */
      readonly fileUrl: string | null;
      readonly fileData: string | null;
    }
  /** `arguments` is JSON, as the model wrote it. */
  | {
      readonly type: 'function_call';
      readonly callId: string;
      readonly name: string;
      readonly arguments: string;
    }
  | {
      readonly type: 'function_result';
      readonly callId: string;
      readonly output: string;
      readonly isError: boolean;
    }
  /** In place of a part that was deleted, so that those after it keep their numbers. */
  | { readonly type: 'removed' };

/** A message of text alone. */
export function textParts(text: string): readonly Part[] {
  return [{ type: 'text', text }];
}

/** Adds a part; text after text is one part, and so is reasoning: a message of text alone has a single one. */
export function pushPart(parts: Part[], part: Part): void {
  const last = parts.at(-1);
  const isMore =
    (last?.type === 'text' && part.type === 'text') ||
    (last?.type === 'reasoning' && part.type === 'reasoning');
  if (isMore) parts[parts.length - 1] = { type: part.type, text: last.text + part.text };
  else parts.push(part);
}

/** The text of a message: its text parts joined. */
export function textOf(parts: readonly Part[]): string {
  if (parts.length === 1 && parts[0]?.type === 'text') return parts[0].text;
  return parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
}

/** @returns whether the text is all there is */
export function isPlainText(parts: readonly Part[]): boolean {
  return parts.length === 1 && parts[0]?.type === 'text';
}

/** The JSON form of a part, in Redis and on the native API. */
export function partToJson(part: Part) {
  switch (part.type) {
    case 'text':
    case 'reasoning':
      return { type: part.type, text: part.text };
    case 'image':
      return { type: 'image', image_url: part.imageUrl };
    case 'file':
      return {
        type: 'file',
        ...(part.filename === null ? {} : { filename: part.filename }),
        ...(part.fileUrl === null ? {} : { file_url: part.fileUrl }),
        ...(part.fileData === null ? {} : { file_data: part.fileData }),
      };
    case 'function_call':
      return { type: 'function_call', call_id: part.callId, name: part.name, arguments: part.arguments };
    case 'function_result':
      return {
        type: 'function_result',
        call_id: part.callId,
        output: part.output,
        ...(part.isError ? { is_error: true } : {}),
      };
    case 'removed':
      return part;
  }
}

/** @returns null when the value is not a part: an operator can write anything into a key, and a caller into a body */
export function partFromJson(value: unknown): Part | null {
  if (typeof value !== 'object' || value === null) return null;
  const json = value as Readonly<Record<string, unknown>>;
  const text = (name: string) => (typeof json[name] === 'string' ? json[name] : null);
  const callId = text('call_id');
  switch (json.type) {
    case 'text':
    case 'reasoning': {
      const said = text('text');
      return said === null ? null : { type: json.type, text: said };
    }
    case 'image': {
      const imageUrl = text('image_url');
      return imageUrl === null ? null : { type: 'image', imageUrl };
    }
    case 'file': {
      const [fileUrl, fileData] = [text('file_url'), text('file_data')];
      if (fileUrl === null && fileData === null) return null;
      return { type: 'file', filename: text('filename'), fileUrl, fileData };
    }
    case 'function_call': {
      const [name, given] = [text('name'), text('arguments')];
      if (callId === null || name === null || given === null) return null;
      return { type: 'function_call', callId, name, arguments: given };
    }
    case 'function_result': {
      const output = text('output');
      if (callId === null || output === null) return null;
      return { type: 'function_result', callId, output, isError: json.is_error === true };
    }
    case 'removed':
      return { type: 'removed' };
    default:
      return null;
  }
}
