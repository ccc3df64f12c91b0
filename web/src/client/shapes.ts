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

/** What a message that is sent may be made of. */
export type SaidPart =
  | { readonly type: 'text'; readonly text: string }
  /** An `https:` or a `data:` URL. */
  | { readonly type: 'image'; readonly image_url: string }
  /** `file_url` is an `https:` URL, `file_data` a `data:` URL; one of the two is there. */
  | {
      readonly type: 'file';
      readonly filename?: string;
      readonly file_url?: string;
      readonly file_data?: string;
    };

/** What a stored message may be made of; a newer server may know more. */
export type Part =
  | SaidPart
  | { readonly type: 'reasoning'; readonly text: string }
  /** `arguments` is JSON, as the model wrote it. */
  | {
      readonly type: 'function_call';
      readonly call_id: string;
      readonly name: string;
      readonly arguments: string;
    }
  | {
      readonly type: 'function_result';
      readonly call_id: string;
      readonly output: string;
      readonly is_error?: boolean;
    };

export interface Message {
  readonly id: string;
  readonly turn_id: string;
  readonly role: 'user' | 'assistant' | 'tool';
  /** Its text, joined. */
  readonly content: string;
  /** There when it is more than text. */
  readonly parts?: readonly Part[];
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
  readonly status: 'queued' | 'running' | 'parked' | 'completed' | 'cancelled' | 'failed';
  readonly position: number | null;
  readonly kept: boolean | null;
  readonly usage: Usage | null;
  readonly ended_at: string | null;
  readonly error: { readonly code: string; readonly message: string; readonly retryable: boolean } | null;
}

/** What a new message does while another one is answered. */
export type OnBusy = 'enqueue' | 'interrupt' | 'coalesce';
