/** The data of one frame, but for its number. */
export interface Frame {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** How a text that comes in pieces is shown: as a message, as reasoning, or as the summary of reasoning that was asked for. */
export type SpokenAs = 'message' | 'reasoning' | 'summary';

interface Words {
  /** Around the pieces. */
  readonly part: string;
  readonly text: string;
  readonly index: string;
  /** What clients expect beside the text, though nothing here makes it. */
  readonly more: object;
  partOf(text: string): object;
}

const WORDS: Readonly<Record<SpokenAs, Words>> = {
  message: {
    part: 'response.content_part',
    text: 'response.output_text',
    index: 'content_index',
    more: { logprobs: [] },
    partOf: (text) => ({ type: 'output_text', text, annotations: [] }),
  },
  reasoning: {
    part: 'response.content_part',
    text: 'response.reasoning_text',
    index: 'content_index',
    more: {},
    partOf: (text) => ({ type: 'reasoning_text', text }),
  },
  summary: {
    part: 'response.reasoning_summary_part',
    text: 'response.reasoning_summary_text',
    index: 'summary_index',
    more: {},
    partOf: (text) => ({ type: 'summary_text', text }),
  },
};

export interface ItemAt {
  readonly id: string;
  readonly index: number;
}

/** The part of an item that holds its text. */
export function partOf(as: SpokenAs, text: string): object {
  return WORDS[as].partOf(text);
}

export function beginFrame(as: SpokenAs, item: ItemAt): Frame {
  const { part, partOf: shown } = WORDS[as];
  return { type: `${part}.added`, ...placeOf(as, item), part: shown('') };
}

export function pieceFrame(as: SpokenAs, item: ItemAt, delta: string): Frame {
  const { text, more } = WORDS[as];
  return { type: `${text}.delta`, ...placeOf(as, item), delta, ...more };
}

export function endFrames(as: SpokenAs, item: ItemAt, whole: string): readonly [Frame, Frame] {
  const { part, text, more, partOf: shown } = WORDS[as];
  const place = placeOf(as, item);
  return [
    { type: `${text}.done`, ...place, text: whole, ...more },
    { type: `${part}.done`, ...place, part: shown(whole) },
  ];
}

function placeOf(as: SpokenAs, { id, index }: ItemAt) {
  return { item_id: id, output_index: index, [WORDS[as].index]: 0 };
}
