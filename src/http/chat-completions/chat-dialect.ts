import { ERRORS } from '../../errors.ts';
import type { Dialect } from '../door/dialect.ts';
import { chatErrorBody, chatErrorHeaders } from './chat-errors.ts';

/** OpenAI's Chat Completions; docs/protocol.md has its rules. */
export const CHAT: Omit<Dialect, 'frames'> = {
  door: 'chat-completions',
  shows: 'as-said',
  // Its clients know no other stop.
  onDisconnect: 'cancel',
  errors: ERRORS,
  errorBody: chatErrorBody,
  errorHeaders: chatErrorHeaders,
};
