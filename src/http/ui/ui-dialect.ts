import { ERRORS } from '../../errors.ts';
import type { Dialect } from '../door/dialect.ts';
import { NATIVE } from '../native/native-dialect.ts';

/** The message stream of the AI SDK's `useChat`; docs/protocol.md has its rules. */
export const UI: Omit<Dialect, 'frames'> = {
  door: 'ui',
  shows: 'as-said',
  onDisconnect: null,
  errors: ERRORS,
  // `useChat` makes the whole body the message of its error, so an app can read the code in it.
  errorBody: NATIVE.errorBody,
};

/** Tells the client which of its protocols this is. */
export const PROTOCOL_HEADER = ['x-vercel-ai-ui-message-stream', 'v1'] as const;
