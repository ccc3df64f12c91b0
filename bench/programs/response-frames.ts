import { piecesOf } from './model-plan.ts';

/** An answer in the form of OpenAI's Responses, for peers that ask for it there. */
export interface ResponseFrames {
  readonly head: string;
  readonly pieces: readonly string[];
  readonly tail: string;
  readonly json: string;
}

/** @param id  its own each time: some peers keep items by it, for all conversations together */
export function responseFramesOf(deltas: number, id: string): ResponseFrames {
  const pieces = piecesOf(deltas);
  const place = { item_id: `msg_${id}`, output_index: 0, content_index: 0 };
  const part = { type: 'output_text', text: pieces.join(''), annotations: [] };
  const item = {
    type: 'message',
    id: `msg_${id}`,
    status: 'completed',
    role: 'assistant',
    content: [part],
  };
  const response = responseOf(id, deltas, item);
  const begun = { response: { ...response, status: 'in_progress', output: [], usage: null } };
  let number = 0;
  const event = (type: string, data: object) =>
    `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: number++, ...data })}\n\n`;
  const head = [
    event('response.created', begun),
    event('response.in_progress', begun),
    event('response.output_item.added', {
      output_index: 0,
      item: { ...item, status: 'in_progress', content: [] },
    }),
    event('response.content_part.added', { ...place, part: { ...part, text: '' } }),
  ].join('');
  const frames = pieces.map((delta) =>
    event('response.output_text.delta', { ...place, delta, logprobs: [] }),
  );
  const tail = [
    event('response.output_text.done', { ...place, text: part.text, logprobs: [] }),
    event('response.content_part.done', { ...place, part }),
    event('response.output_item.done', { output_index: 0, item }),
    event('response.completed', { response }),
  ].join('');
  return { head, pieces: frames, tail, json: JSON.stringify(response) };
}

function responseOf(id: string, deltas: number, item: object) {
  return {
    id: `resp_${id}`,
    object: 'response',
    created_at: 1,
    status: 'completed',
    model: 'scripted',
    output: [item],
    usage: {
      input_tokens: 10,
      output_tokens: deltas,
      total_tokens: 10 + deltas,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens_details: { reasoning_tokens: 0 },
    },
    tools: [],
    tool_choice: 'auto',
    parallel_tool_calls: true,
    temperature: 1,
    top_p: 1,
    metadata: {},
    instructions: null,
    error: null,
    incomplete_details: null,
  };
}
