import type { TurnAdmission } from './admission-port.ts';
import type { ContextWindows } from './context-windows.ts';
import type { LiveTurns } from './live-turns.ts';
import type {
  EventLog,
  Model,
  Observer,
  SessionLock,
  SessionStore,
  TokenCounter,
  TurnQueue,
  TurnStore,
  TurnTakeover,
} from './ports.ts';
import type { PromptLimits } from './prompt.ts';
import type { OnBusy } from './turn.ts';

/** Times and bounds of a turn; units in the names. */
export interface TurnLimits extends PromptLimits {
  readonly lockTtlMs: number;
  readonly sessionTtlMs: number;
  /** Of one attempt, and of all attempts of a turn together. */
  readonly turnMaxMs: number;
  readonly turnMaxTotalMs: number;
  readonly maxAttempts: number;
  readonly maxMessageBytes: number;
  readonly maxOutputBytes: number;
  readonly firstTokenTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly queueWaitMs: number;
  readonly onBusy: OnBusy;
  readonly onDisconnect: 'continue' | 'cancel';
}

/** All that the work on a turn needs from outside, put together in wiring. */
export interface TurnDeps {
  readonly replicaId: string;
  readonly admission: TurnAdmission;
  readonly queue: TurnQueue;
  readonly store: TurnStore;
  readonly takeover: TurnTakeover;
  readonly sessions: SessionStore;
  readonly lock: SessionLock;
  readonly log: EventLog;
  readonly model: Model;
  readonly counter: TokenCounter;
  readonly live: LiveTurns;
  readonly windows: ContextWindows;
  readonly limits: TurnLimits;
  readonly observer: Observer;
  /** An id that no other turn on any replica has. */
  newTurnId(): string;
}
