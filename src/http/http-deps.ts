import type { Conversations } from '../conversation/conversations.ts';
import type { TurnRate } from '../conversation/ports/sessions.ts';

export interface HttpSettings {
  readonly maxBodyBytes: number;
  readonly maxStreams: number;
  readonly trustProxy: boolean | number | string | undefined;
  readonly corsOrigins: readonly string[];
  /** Names of headers that name the session of a request, in lower case. */
  readonly sessionHeaders: readonly string[];
  /** The name of the model that answers. */
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

/** Everything that the HTTP room is given. */
export interface HttpDeps {
  readonly conversations: Conversations;
  readonly settings: HttpSettings;
  readonly inspection: Inspection;
  /** null: no limit on the turns that callers begin. */
  readonly rate: TurnRate | null;
  /** Called with the number of open event streams. */
  streamsOpen(count: number): void;
}
