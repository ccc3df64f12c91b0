import { chunksOf, DONE } from '../../testkit/model/chunks.ts';

/** How the scripted model answers every call from now on. */
export interface ModelPlan {
  readonly deltas: number;
  /** Before the first delta, and between two, in ms; 0: all at once, each in its own write. */
  readonly firstMs: number;
  readonly betweenMs: number;
}

/** When the model was called and when it had finished, in ms of its own clock. */
export interface ModelCall {
  readonly beganAt: number;
  readonly endedAt: number;
  /** The first characters of the last message, which tell whose call it was; kept for held conversations alone. */
  readonly asked: string | null;
}

export const AT_ONCE: Omit<ModelPlan, 'deltas'> = { firstMs: 0, betweenMs: 0 };

/** A last message with this prefix is answered only after `POST /release`. */
export const HOLD = 'hold:';

/** A last message with this prefix gets a short answer at once, whatever the plan says. */
export const SHORT = 'short:';

export const SHORT_DELTAS = 5;

/** The first piece of every answer; no request contains it. */
export const FIRST_PIECE = 'Once';

const WORDS = ['upon', 'a', 'time', 'there', 'was', 'an', 'answer', 'of', 'some', 'words'];

/** The pieces of an answer, one word each. */
export function piecesOf(deltas: number): readonly string[] {
  return Array.from({ length: deltas }, (_, index) =>
    index === 0 ? FIRST_PIECE : ` ${WORDS[(index - 1) % WORDS.length]}`,
  );
}

/** The parts of an answer as OpenAI's API sends them. */
export interface Frames {
  readonly head: string;
  readonly pieces: readonly string[];
  readonly tail: string;
  /** The whole answer for who asks without a stream. */
  readonly json: string;
}

export function framesOf(deltas: number): Frames {
  const chunks = chunksOf('chatcmpl-1', 'scripted');
  const usage = { prompt_tokens: 10, completion_tokens: deltas, total_tokens: 10 + deltas };
  const message = { role: 'assistant', content: piecesOf(deltas).join(''), refusal: null };
  return {
    head: chunks.delta({ role: 'assistant', content: '' }),
    pieces: piecesOf(deltas).map((content) => chunks.delta({ content })),
    tail: `${chunks.delta({}, 'stop')}${chunks.usage(usage)}${DONE}`,
    json: JSON.stringify({
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 0,
      model: 'scripted',
      choices: [{ index: 0, message, finish_reason: 'stop', logprobs: null }],
      usage,
    }),
  };
}
