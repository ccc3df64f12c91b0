import { BEFORE_ALL, isTerminal, type PlacedEvent } from '../../conversation/events.ts';
import { errorOf } from '../door/collect-turn.ts';
import type { TurnFrames } from '../door/dialect.ts';
import { sseFrame } from '../door/sse-sink.ts';
import { errorToJson } from './error-table.ts';
import { parseResponseId } from './ids.ts';
import { ResponseFold } from './response-fold.ts';
import type { ResponseHead } from './response-object.ts';
import type { Frame } from './spoken-words.ts';

/** Not JSON, and without a number. */
const END = 'data: [DONE]\n\n';

/**
 * An event is handed to all readers of its turn one after the other: it is rendered for the first of them. Each counts
 * for itself, so that frames are shared only by readers that are at the same place.
 */
let rendered: {
  readonly form: Form;
  readonly placed: PlacedEvent;
  readonly id: string;
  readonly from: number;
  readonly frames: readonly string[];
} | null = null;

/** A WebSocket has messages instead of server-sent events, with the same data. */
type Form = 'sse' | 'messages';

/** How one reader wants its frames. */
export interface FrameOptions {
  /** The last number that the reader has; -1 or none: nothing. */
  readonly startingAfter?: number;
  /** When the response ended, asked once it has; the clock without it. */
  readonly endedAtMs?: () => number;
  /** `status`: an error that is the first event is thrown, to be a status. */
  readonly failsAs?: 'status' | 'frames';
  readonly form?: Form;
}

/** The frames of a response for one reader: all of them, or those after a number. */
export function responseFrames(
  head: ResponseHead,
  { startingAfter = -1, endedAtMs = Date.now, failsAs = 'frames', form = 'sse' }: FrameOptions = {},
): TurnFrames {
  const fold = new ResponseFold(head, endedAtMs);
  let next = 0;
  const made = (type: string, number: number, fields: object): string => {
    const data = JSON.stringify({ type, sequence_number: number, ...fields });
    return form === 'sse' ? sseFrame({ event: type, data }) : data;
  };
  // On a WebSocket nothing but `response.failed` ends a response that has begun: an error would end the next one.
  const isShown = ({ type }: Frame) => form === 'sse' || type !== 'error';
  const render = (placed: PlacedEvent): readonly string[] => {
    const from = next;
    const shared =
      rendered?.placed === placed &&
      rendered.form === form &&
      rendered.id === head.id &&
      rendered.from === from
        ? rendered
        : null;
    const frames: string[] = [];
    fold.take(placed, (make) => {
      const number = next;
      next += 1;
      if (shared !== null || number <= startingAfter) return;
      const frame = make();
      const { type, ...fields } = frame;
      if (isShown(frame)) frames.push(made(type, number, fields));
    });
    if (shared !== null) return shared.frames.slice(Math.max(0, startingAfter + 1 - from));
    if (from > startingAfter) rendered = { form, placed, id: head.id, from, frames };
    return frames;
  };
  return {
    // From the first event on, where the numbers begin.
    after: BEFORE_ALL,
    of(placed) {
      const { event } = placed;
      if (event.type === 'error' && next === 0 && failsAs === 'status') throw errorOf(event, idsIn(head));
      const frames = render(placed);
      return isTerminal(event) && form === 'sse' ? [...frames, END] : frames;
    },
    cut(error) {
      // It has the number of the frame before it: the response may go on, and a reader resumes after that one.
      const number = Math.max(0, startingAfter, next - 1);
      return [made('error', number, { error: errorToJson(error) })];
    },
  };
}

function idsIn({ id }: ResponseHead) {
  const place = parseResponseId(id);
  return { turn_id: place?.turnId, session_id: place?.conversationId };
}
