/** What the scripted model does with every call from now on. */
export interface ModelScript {
  readonly deltas: number;
  /** Before the first delta, and between two, in ms; 0: all at once, each in a write of its own. */
  readonly firstMs: number;
  readonly betweenMs: number;
}

/** When the model was called and when it had said all, in ms of its own clock. */
export interface ModelCall {
  readonly beganAt: number;
  readonly endedAt: number;
}

export const AT_ONCE: Omit<ModelScript, 'deltas'> = { firstMs: 0, betweenMs: 0 };

/** A last message that begins so is answered only after `POST /release`. */
export const HOLD = 'hold:';

/** The first piece of every answer; no request holds it. */
export const FIRST_PIECE = 'Once';

const WORDS = ['upon', 'a', 'time', 'there', 'was', 'an', 'answer', 'of', 'some', 'words'];

/** The pieces of an answer: a word each. */
export function piecesOf(deltas: number): readonly string[] {
  return Array.from({ length: deltas }, (_, index) =>
    index === 0 ? FIRST_PIECE : ` ${WORDS[(index - 1) % WORDS.length]}`,
  );
}

/** The frames of an answer as OpenAI's API sends them. */
export function framesOf(deltas: number): {
  readonly head: string;
  readonly pieces: readonly string[];
  readonly tail: string;
} {
  const base = {
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1_700_000_000,
    model: 'scripted',
  };
  const frame = (delta: object, finish_reason: string | null = null) =>
    `data: ${JSON.stringify({ ...base, choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
  const usage = { prompt_tokens: 10, completion_tokens: deltas, total_tokens: 10 + deltas };
  return {
    head: frame({ role: 'assistant', content: '' }),
    pieces: piecesOf(deltas).map((content) => frame({ content })),
    tail: `${frame({}, 'stop')}data: ${JSON.stringify({ ...base, choices: [], usage })}\n\ndata: [DONE]\n\n`,
  };
}
