/** The frames of a streamed chat completion, as OpenAI's API sends them. */
export interface Chunks {
  delta(delta: object, finishReason?: string | null): string;
  usage(usage: object): string;
}

export const DONE = 'data: [DONE]\n\n';

export function frameOf(data: unknown): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}

export function chunksOf(id: string, model: string): Chunks {
  const head = { id, object: 'chat.completion.chunk', created: 0, model };
  return {
    delta: (delta, finishReason = null) =>
      frameOf({ ...head, choices: [{ index: 0, delta, finish_reason: finishReason }] }),
    usage: (usage) => frameOf({ ...head, choices: [], usage }),
  };
}
