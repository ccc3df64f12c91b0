import type { Input, InputMessage } from '../../conversation/input.ts';
import { type Part, pushPart } from '../../conversation/parts.ts';
import type { TurnOptions } from '../../conversation/turn.ts';
import { TurnwiseError } from '../../errors.ts';
import type { UiEcho } from './ui-echo.ts';
import type { UiChatBody, UiMessage } from './ui-schemas.ts';

/** What a request of `useChat` asks for. */
export interface UiRequest {
  readonly input: Input;
  readonly options: TurnOptions;
  readonly echo: UiEcho;
}

/**
 * Only the last message counts, or the outputs of tools in it: the history is the server's.
 *
 * @throws invalid_request: there is nothing new in it, or it edits an earlier message
 */
export function parseUi(body: UiChatBody): UiRequest {
  const { tools, trigger = 'submit-message', messageId } = body;
  const options = tools === undefined ? {} : { tools };
  if (trigger === 'regenerate-message') {
    const asks = (body.message ?? body.messages?.at(-1))?.id ?? '';
    return {
      input: [],
      options: { ...options, history: { kind: 'regenerate' } },
      echo: { continues: '', asks },
    };
  }
  const last = body.message ?? body.messages?.at(-1);
  if (last === undefined) throw refused('messages must not be empty');
  switch (last.role) {
    case 'user':
      // `useChat` names a message of the user only when it replaces it, with all that came after it.
      if (messageId !== undefined) throw refused('messageId: an earlier message cannot be edited');
      return {
        input: [{ role: 'user', parts: partsOf(last) }],
        options,
        echo: { continues: '', asks: last.id ?? '' },
      };
    case 'assistant':
      return { input: outputsIn(last), options, echo: { continues: last.id ?? '', asks: '' } };
    default:
      throw refused('the last message must be one of the user, or hold the output of a tool');
  }
}

/** A question whose turn left nothing behind, asked again. */
export function asNew({ messageId: _, ...body }: UiChatBody): UiChatBody {
  return { ...body, trigger: 'submit-message' };
}

function partsOf({ parts }: UiMessage): readonly Part[] {
  const said: Part[] = [];
  for (const part of parts) {
    if (part.type === 'text' && typeof part.text === 'string')
      pushPart(said, { type: 'text', text: part.text });
    else if (part.type === 'file') said.push(filePart(part));
    // What an app shows beside the text (data, sources) is its own.
  }
  if (said.length === 0) throw refused('message must not be empty');
  return said;
}

function filePart({ url, mediaType, filename }: UiMessage['parts'][number]): Part {
  if (typeof url !== 'string') throw refused('a file must have a url');
  if (typeof mediaType === 'string' && mediaType.startsWith('image/'))
    return { type: 'image', imageUrl: url };
  const isData = /^data:/i.test(url);
  const name = typeof filename === 'string' ? filename : null;
  return { type: 'file', filename: name, fileUrl: isData ? null : url, fileData: isData ? url : null };
}

/** Results of the calls in the last step: those of earlier steps were sent before. */
function outputsIn({ parts }: UiMessage): Input {
  const step = parts.slice(parts.findLastIndex(({ type }) => type === 'step-start') + 1);
  const outputs = step.flatMap((part): InputMessage[] => {
    const isTool = part.type.startsWith('tool-') || part.type === 'dynamic-tool';
    if (!isTool || part.providerExecuted === true || typeof part.toolCallId !== 'string') return [];
    const call = { type: 'function_result', callId: part.toolCallId } as const;
    if (part.state === 'output-available') {
      const output = typeof part.output === 'string' ? part.output : JSON.stringify(part.output ?? null);
      return [{ role: 'tool', parts: [{ ...call, output, isError: false }] }];
    }
    if (part.state !== 'output-error') return [];
    const output = typeof part.errorText === 'string' ? part.errorText : 'the tool failed';
    return [{ role: 'tool', parts: [{ ...call, output, isError: true }] }];
  });
  if (outputs.length === 0) throw refused('the last message is an answer, and holds no output of a tool');
  return outputs;
}

function refused(message: string): TurnwiseError {
  return new TurnwiseError('invalid_request', { message });
}
