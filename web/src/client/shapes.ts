/** What the API sends; times are ISO 8601 in UTC. */

export interface Health {
  readonly status: string;
  readonly model: string | null;
  readonly demo_model: boolean;
}

export interface Session {
  readonly session_id: string;
  readonly title: string;
  readonly created_at: string;
  readonly last_accessed: string;
  readonly expires_at: string;
  readonly message_count: number;
}

export interface SessionPage {
  readonly sessions: readonly Session[];
  readonly total: number;
  readonly next_cursor: string | null;
}

export interface Message {
  readonly id: string;
  readonly turn_id: string;
  readonly role: 'user' | 'assistant' | 'tool';
  readonly content: string;
  readonly created_at: string;
  readonly truncated?: boolean;
}

export interface MessagePage {
  readonly messages: readonly Message[];
  readonly has_more: boolean;
}

export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

export interface Turn {
  readonly turn_id: string;
  readonly status: 'queued' | 'running' | 'completed' | 'cancelled' | 'failed';
  readonly position: number | null;
  readonly kept: boolean | null;
  readonly usage: Usage | null;
  readonly error: { readonly code: string; readonly message: string; readonly retryable: boolean } | null;
}

/** What a new message does while another one is answered. */
export type OnBusy = 'enqueue' | 'interrupt' | 'coalesce';
