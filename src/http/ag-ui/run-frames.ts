import { BEFORE_ALL, type PlacedEvent, type TurnEvent } from '../../conversation/events.ts';
import type { TurnSource } from '../../conversation/read/turn-source.ts';
import { ANSWERS_AFTER, messageId } from '../../conversation/session.ts';
import type { TurnwiseError } from '../../errors.ts';
import { errorOf, idsOf } from '../door/collect-turn.ts';
import type { TurnFrames } from '../door/dialect.ts';
import { sseFrame } from '../door/sse-sink.ts';
import { errorEvent } from './ag-ui-dialect.ts';
import type { RunEvent } from './event-schema.ts';
import { type ThreadMessage, thoughtId } from './thread-messages.ts';

/** What a reader of a run is shown besides its events. */
export interface RunView {
  readonly runId: string;
  readonly parentRunId: string | null;
  /** The thread before the answer, as this reader has it. */
  readonly before: readonly ThreadMessage[];
  /** The reader is told first what the thread holds. */
  readonly beginsWithSnapshot: boolean;
  readonly showsQueue: boolean;
}

/** The version of the protocol that these events are of. */
const PROTOCOL_VERSION = '1.0';

/**
 * The events of a run, for one reader. Message ids are those under which the answer will be stored, so they do not depend
 * on who reads, and those of a new attempt differ from those of the one before.
 */
export class RunFrames implements TurnFrames {
  readonly after = BEFORE_ALL;
  readonly #source: TurnSource;
  readonly #view: RunView;
  #hasStarted = false;
  #fence = 0;
  /** Which message of the answer the last one was, and its role. */
  #number = 0;
  #role: 'assistant' | 'tool' = 'tool';
  #open: { readonly kind: 'text' | 'reasoning'; readonly id: string } | null = null;
  /** Stretches of reasoning in this attempt, and the most in any. */
  #thoughts = 0;
  #mostThoughts = 0;
  #hasShown = false;
  readonly #pending = new Set<string>();

  constructor(source: TurnSource, view: RunView) {
    this.#source = source;
    this.#view = view;
  }

  /** @throws the error that ended the turn, as long as the run has not begun */
  of(placed: PlacedEvent): readonly string[] {
    const { event, id } = placed;
    this.#fence = id.fence;
    switch (event.type) {
      case 'queued': {
        if (!this.#view.showsQueue) return [];
        const { position } = event;
        return [...this.#start(), frame({ type: 'CUSTOM', name: 'turnwise.queued', value: { position } })];
      }
      case 'started':
        return this.#start();
      case 'delta':
      case 'reasoning':
        return this.#say(placed, event.type === 'delta' ? 'text' : 'reasoning', event.content);
      case 'tool_call':
        return this.#call(event);
      case 'tool_result':
        return this.#result(event);
      case 'restarted':
        return this.#restart();
      case 'done':
      case 'cancelled':
        return [...this.#start(), ...this.#close(), this.#finish(event)];
      case 'error': {
        const error = errorOf(event, idsOf(this.#source));
        if (!this.#hasStarted) throw error;
        return this.cut(error);
      }
    }
  }

  /** A body that just ended would pass for a whole answer: the client does not ask how it ended. */
  cut(error: TurnwiseError): readonly string[] {
    return [...this.#close(), sseFrame({ data: JSON.stringify(errorEvent(error, idsOf(this.#source))) })];
  }

  #start(): readonly string[] {
    if (this.#hasStarted) return [];
    this.#hasStarted = true;
    const { parentRunId, beginsWithSnapshot, before } = this.#view;
    const started = frame({
      type: 'RUN_STARTED',
      ...this.#names,
      ...(parentRunId === null ? {} : { parentRunId }),
      protocolVersion: PROTOCOL_VERSION,
      metadata: { turn_id: this.#source.turn.turnId },
    });
    return beginsWithSnapshot ? [started, snapshot(before)] : [started];
  }

  get #names() {
    return { threadId: this.#source.turn.session.conversationId, runId: this.#view.runId };
  }

  #say(placed: PlacedEvent, kind: 'text' | 'reasoning', delta: string): readonly string[] {
    if (delta === '') return [];
    const frames = [...this.#start(), ...this.#enter(kind)];
    const content = contentFrame(placed, kind, this.#open?.id ?? '', delta);
    // Mostly there is nothing to begin, and the frame is shared by all readers.
    return frames.length === 0 ? [content] : [...frames, content];
  }

  #enter(kind: 'text' | 'reasoning'): readonly string[] {
    if (this.#open?.kind === kind) return [];
    const closed = this.#close();
    this.#hasShown = true;
    if (kind === 'text') {
      const id = this.#answerId();
      this.#open = { kind, id };
      return [...closed, frame({ type: 'TEXT_MESSAGE_START', messageId: id, role: 'assistant' })];
    }
    this.#thoughts += 1;
    this.#mostThoughts = Math.max(this.#mostThoughts, this.#thoughts);
    const id = this.#thoughtId(this.#thoughts);
    this.#open = { kind, id };
    const begun = frame({ type: 'REASONING_MESSAGE_START', messageId: id, role: 'reasoning' });
    return [...closed, frame({ type: 'REASONING_START', messageId: id }), begun];
  }

  #close(): readonly string[] {
    if (this.#open === null) return [];
    const { kind, id } = this.#open;
    this.#open = null;
    if (kind === 'text') return [frame({ type: 'TEXT_MESSAGE_END', messageId: id })];
    const ended = frame({ type: 'REASONING_MESSAGE_END', messageId: id });
    return [ended, frame({ type: 'REASONING_END', messageId: id })];
  }

  #call({ callId, name, arguments: given }: Extract<TurnEvent, { type: 'tool_call' }>): readonly string[] {
    const before = [...this.#start(), ...this.#close()];
    this.#hasShown = true;
    this.#pending.add(callId);
    const parentMessageId = this.#answerId();
    return [
      ...before,
      frame({ type: 'TOOL_CALL_START', toolCallId: callId, toolCallName: name, parentMessageId }),
      ...(given === '' ? [] : [frame({ type: 'TOOL_CALL_ARGS', toolCallId: callId, delta: given })]),
      frame({ type: 'TOOL_CALL_END', toolCallId: callId }),
    ];
  }

  #result({ callId, output }: Extract<TurnEvent, { type: 'tool_result' }>): readonly string[] {
    const before = [...this.#start(), ...this.#close()];
    this.#pending.delete(callId);
    [this.#number, this.#role] = [this.#number + 1, 'tool'];
    const result = { messageId: this.#idOf(this.#number), toolCallId: callId, content: output };
    return [...before, frame({ type: 'TOOL_CALL_RESULT', ...result, role: 'tool' })];
  }

  /**
   * The client forgets what came so far: a snapshot removes the messages that it leaves out, but not reasoning, and calls
   * stay on the client's list of those to be answered until they are.
   */
  #restart(): readonly string[] {
    const frames = [...this.#start(), ...this.#close()];
    for (const callId of this.#pending) {
      const result = { messageId: `${callId}-withdrawn`, toolCallId: callId, content: '' };
      frames.push(frame({ type: 'TOOL_CALL_RESULT', ...result, role: 'tool' }));
    }
    [this.#number, this.#role, this.#thoughts] = [0, 'tool', 0];
    this.#pending.clear();
    if (!this.#hasShown) return frames;
    this.#hasShown = false;
    const thoughts = Array.from({ length: this.#mostThoughts }, (_, index) => {
      return { id: this.#thoughtId(index + 1), role: 'reasoning', content: '' };
    });
    return [...frames, snapshot([...this.#view.before, ...thoughts])];
  }

  #finish(event: Extract<TurnEvent, { type: 'done' | 'cancelled' }>): string {
    const names = { type: 'RUN_FINISHED', ...this.#names } as const;
    if (event.type === 'cancelled') return frame({ ...names, outcome: { type: 'cancelled' } });
    const { usage, finishReason } = event;
    const pending = [...this.#pending];
    return frame({
      ...names,
      outcome: { type: 'success', ...(pending.length === 0 ? {} : { pendingToolCallIds: pending }) },
      ...(usage === null
        ? {}
        : {
            usage: [
              {
                inputTokens: usage.promptTokens,
                outputTokens: usage.completionTokens,
                totalTokens: usage.totalTokens,
              },
            ],
          }),
      metadata: { finish_reason: finishReason },
    });
  }

  /** Text and calls that follow each other are one message, as the history will have it. */
  #answerId(): string {
    if (this.#role === 'tool') [this.#number, this.#role] = [this.#number + 1, 'assistant'];
    return this.#idOf(this.#number);
  }

  #idOf(number: number): string {
    return messageId(String(this.#fence), ANSWERS_AFTER + number);
  }

  /** The same in every attempt: what an earlier one thought is emptied, and thought anew. */
  #thoughtId(number: number): string {
    return thoughtId(this.#source.turn.turnId, number);
  }
}

function snapshot(messages: readonly ThreadMessage[]): string {
  return frame({ type: 'MESSAGES_SNAPSHOT', messages: [...messages] });
}

function frame(event: RunEvent): string {
  return sseFrame({ data: JSON.stringify(event) });
}

/** An event is handed to all readers of its turn one after the other: it is rendered for the first of them. */
let rendered: { readonly placed: PlacedEvent; readonly id: string; readonly frame: string } | null = null;

function contentFrame(placed: PlacedEvent, kind: 'text' | 'reasoning', id: string, delta: string): string {
  if (rendered?.placed !== placed || rendered.id !== id) {
    const type = kind === 'text' ? 'TEXT_MESSAGE_CONTENT' : 'REASONING_MESSAGE_CONTENT';
    rendered = { placed, id, frame: frame({ type, messageId: id, delta }) };
  }
  return rendered.frame;
}
