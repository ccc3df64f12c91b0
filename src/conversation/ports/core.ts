import type { Agents } from '../agent.ts';
import type { LiveTurns } from '../live/live-turns.ts';
import type { ContextWindows } from '../run/context-windows.ts';
import type { OnBusy, OnDisconnect } from '../turn.ts';
import type { TurnAdmission } from './admission.ts';
import type { Model } from './model.ts';
import type { Observer } from './notices.ts';
import type { EventLog, SessionLock, SessionStore } from './sessions.ts';
import type { TurnQueue, TurnStore, TurnTakeover } from './turns.ts';

/** Limits of a turn; units in the names. */
export interface TurnLimits {
  readonly lockTtlMs: number;
  readonly sessionTtlMs: number;
  /** Of one attempt, and of all attempts of a turn together. */
  readonly turnMaxMs: number;
  readonly turnMaxTotalMs: number;
  readonly maxMessageBytes: number;
  readonly maxOutputBytes: number;
  /** Tokens that an image or a file counts as. */
  readonly imageTokens: number;
  readonly firstTokenTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly queueWaitMs: number;
  readonly onBusy: OnBusy;
  readonly onDisconnect: OnDisconnect;
  readonly reasoning: 'stream' | 'store' | 'off';
}

/** Everything that the core is given. */
interface Ports {
  readonly replicaId: string;
  readonly admission: TurnAdmission;
  readonly queue: TurnQueue;
  readonly store: TurnStore;
  readonly takeover: TurnTakeover;
  readonly sessions: SessionStore;
  readonly lock: SessionLock;
  readonly log: EventLog;
  readonly model: Model;
  readonly agents: Agents;
  readonly live: LiveTurns;
  readonly windows: ContextWindows;
  readonly limits: TurnLimits;
  readonly observer: Observer;
  /** An id that no other turn on any replica has. */
  readonly newTurnId: () => string;
}

/** The ports that one function uses, by name: what it can do is in its signature. */
export type Uses<Names extends keyof Ports> = Pick<Ports, Names>;

/** Assembled in wiring, and handed only to the entries of the core. */
export type Core = Uses<keyof Ports>;
