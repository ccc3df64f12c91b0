import OpenAI from 'openai';

/** The real client of OpenAI. It asks once, unless a test is about what it asks again. */
export function openai(
  replica: { readonly url: string },
  headers: Readonly<Record<string, string>> = {},
  maxRetries = 0,
): OpenAI {
  return new OpenAI({ baseURL: `${replica.url}/v1`, apiKey: 'none', maxRetries, defaultHeaders: headers });
}

/** A function of the caller. */
export const WEATHER: OpenAI.ChatCompletionFunctionTool = {
  type: 'function',
  function: {
    name: 'weather',
    description: 'The weather in a city',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
};
