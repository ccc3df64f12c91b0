import type { TurnDeps } from '../conversation/deps.ts';
import type { TurnRate } from '../conversation/ports.ts';

export interface HttpSettings {
  readonly maxBodyBytes: number;
  readonly maxStreams: number;
  readonly trustProxy: boolean | number | string | undefined;
  readonly corsOrigins: readonly string[];
  /** The model that answers, by its name. */
  readonly model: string | null;
  readonly isDemoModel: boolean;
}

/** What /health, /readyz and /metrics show beyond the turns. */
export interface Inspection {
  /** @returns live sessions, and whether Redis has room; null when it did not answer within `timeoutMs` */
  store(timeoutMs: number): Promise<{ readonly sessionCount: number; readonly isFull: boolean } | null>;
  /** Why this replica should get no traffic; null when it should. */
  unreadyBecause(): Promise<string | null>;
  lastReconcile(): Promise<unknown>;
  metrics(): Promise<{ contentType: string; text: string }>;
}

/** All that the HTTP room is given. */
export interface HttpDeps {
  readonly turns: TurnDeps;
  readonly settings: HttpSettings;
  readonly inspection: Inspection;
  /** null: callers may begin as many turns as they like. */
  readonly rate: TurnRate | null;
  /** Is told how many event streams are open. */
  streamsOpen(count: number): void;
}
