import OpenAI from 'openai';
import type { ResponseStreamEvent } from 'openai/resources/responses/responses';
import type { Step } from '../../testkit/model/model-script.ts';
import type { Replica } from '../../testkit/server/replica.ts';

/** The model of the replicas. */
export const model = 'scripted';

/** A client of a replica that does not try again by itself. */
export function clientOf({ url }: Pick<Replica, 'url'>, options: { maxRetries?: number } = {}): OpenAI {
  return new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0, ...options });
}

/** All frames of a stream. */
export async function allOf(stream: AsyncIterable<ResponseStreamEvent>): Promise<ResponseStreamEvent[]> {
  const events: ResponseStreamEvent[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

/** The types of frames, those of deltas in a row as one. */
export function typesOf(events: readonly { readonly type: string }[]): string[] {
  const types = events.map(({ type }) => type.replace('response.', ''));
  return types.filter((type, index) => !type.endsWith('.delta') || types[index - 1] !== type);
}

/** Steps with which the model calls tools, and ends. */
export function callTools(...calls: readonly { id: string; name: string; arguments: string }[]): Step[] {
  const tool_calls = calls.map(({ id, ...named }, index) => ({
    index,
    id,
    type: 'function',
    function: named,
  }));
  return [{ chunk: { choices: [{ index: 0, delta: { tool_calls } }] } }, { finish: 'tool_calls' }];
}

/** Steps with which the model thinks aloud. */
export function think(...pieces: readonly string[]): Step[] {
  return pieces.map((reasoning_content) => ({
    chunk: { choices: [{ index: 0, delta: { reasoning_content } }] },
  }));
}

export const weatherTool = {
  type: 'function',
  name: 'get_weather',
  description: 'The weather of a place',
  parameters: { type: 'object', properties: { place: { type: 'string' } }, required: ['place'] },
  strict: null,
} as const;
