import type { OnBusy, Turn } from '../client/shapes.ts';
import type { Told } from '../client/turns.ts';

/** A turn as this page sees it before it is history. */
export interface LiveTurn {
  /** Idempotency-Key of its message; names the turn on this page. */
  readonly key: string;
  /** Null until the server took it in. */
  readonly turnId: string | null;
  /** The user's messages: more than one when others joined. */
  readonly said: readonly string[];
  readonly onBusy: OnBusy;
  readonly saidAtMs: number;
  readonly phase: 'sending' | 'queued' | 'running' | 'completed' | 'cancelled' | 'failed';
  /** Turns ahead; null when not told. */
  readonly position: number | null;
  readonly text: string;
  /** What the model thought aloud. */
  readonly thoughts: string;
  /** Whether that is what it does now. */
  readonly isThinking: boolean;
  /** Place of the last event that `text` and `thoughts` hold; empty: none. */
  readonly lastEventId: string;
  /** Another replica took it over, and the answer begins again. */
  readonly hasRestarted: boolean;
  readonly isStopping: boolean;
  /** The connection is lost, and when it is tried again; ms since 1970. */
  readonly retryAtMs: number | null;
  readonly errorCode: string | null;
  readonly isRetryable: boolean;
  /** Whether history has what was said, for a cancelled one. */
  readonly isKept: boolean;
  readonly tokens: number | null;
  /** Said on this page, not in another tab. */
  readonly isMine: boolean;
}

/** Of the answer, to hear it from its start. */
export const NOTHING_HEARD = { text: '', thoughts: '', isThinking: false, lastEventId: '' } as const;

export function newTurn(key: string, said: string, onBusy: OnBusy): LiveTurn {
  return {
    key,
    turnId: null,
    said: [said],
    onBusy,
    saidAtMs: Date.now(),
    phase: 'sending',
    position: null,
    ...NOTHING_HEARD,
    hasRestarted: false,
    isStopping: false,
    retryAtMs: null,
    errorCode: null,
    isRetryable: false,
    isKept: false,
    tokens: null,
    isMine: true,
  };
}

export function isActive(turn: LiveTurn): boolean {
  return turn.phase === 'sending' || turn.phase === 'queued' || turn.phase === 'running';
}

/** Whether its message cannot go out: neither can, then, what was said after it. */
export function isHeldUp(turn: LiveTurn): boolean {
  return turn.phase === 'sending' && turn.turnId === null && turn.retryAtMs !== null;
}

/** The turn after what its stream told. */
export function afterTold(turn: LiveTurn, told: Told): LiveTurn {
  if (told.type === 'admitted') return { ...turn, turnId: told.turnId, retryAtMs: null };
  if (told.type === 'settled') return { ...turn, phase: 'completed', position: null };
  const at = { ...turn, lastEventId: told.id === '' ? turn.lastEventId : told.id };
  const begun = { ...at, phase: 'running', position: null, isThinking: false } as const;
  switch (told.type) {
    case 'queued':
      return { ...at, phase: 'queued', position: told.position };
    case 'started':
      return begun;
    case 'restarted':
      return { ...begun, ...NOTHING_HEARD, lastEventId: at.lastEventId, hasRestarted: true };
    case 'delta':
      return { ...begun, text: turn.text + told.content };
    case 'reasoning':
      return { ...begun, thoughts: thoughtsWith(turn, told.content), isThinking: true };
    case 'tool_call':
    case 'tool_result':
      return begun;
    case 'done':
      return { ...at, phase: 'completed', tokens: told.usage?.total_tokens ?? null };
    case 'cancelled':
      return { ...at, phase: 'cancelled', isKept: told.kept };
    case 'error':
      return { ...at, phase: 'failed', errorCode: told.code, isRetryable: told.retryable };
  }
}

/** Thoughts between which something was said are paragraphs, as they are parts in the history. */
function thoughtsWith({ thoughts, isThinking }: LiveTurn, more: string): string {
  return isThinking || thoughts === '' ? thoughts + more : `${thoughts}\n\n${more}`;
}

/** The turn after its record was looked up instead of streamed. */
export function afterLook(turn: LiveTurn, record: Turn): LiveTurn {
  return {
    ...turn,
    phase: record.status === 'parked' ? 'running' : record.status,
    // One whose end was not heard was not heard whole: no half of a thought is left standing for all of it.
    thoughts: isActive(turn) && record.ended_at !== null ? '' : turn.thoughts,
    position: record.position,
    retryAtMs: null,
    isKept: record.kept === true,
    tokens: record.usage?.total_tokens ?? null,
    errorCode: record.error?.code ?? null,
    isRetryable: record.error?.retryable ?? false,
  };
}

export function failed(turn: LiveTurn, errorCode: string, isRetryable: boolean): LiveTurn {
  return { ...turn, phase: 'failed', position: null, retryAtMs: null, errorCode, isRetryable };
}

/** What was not sent for so long is not sent behind the back of somebody who comes back to the page. */
const UNSENT_FOR_MS = 600_000;

/** A turn as it was kept, on a page that begins again. */
export function afterReload(saved: LiveTurn): LiveTurn {
  const turn = { ...saved, isStopping: false, retryAtMs: null };
  const isStale = turn.phase === 'sending' && Date.now() - turn.saidAtMs > UNSENT_FOR_MS;
  return isStale ? failed(turn, 'unreachable', true) : turn;
}
