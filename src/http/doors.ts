import { agUiDoor } from './ag-ui/ag-ui-door.ts';
import { chatCompletionsDoor } from './chat-completions/chat-completions-door.ts';
import { CHAT } from './chat-completions/chat-dialect.ts';
import type { Dialect, Door } from './door/dialect.ts';
import { NATIVE } from './native/native-dialect.ts';
import { nativeDoor } from './native/native-door.ts';
import { responsesDoor } from './responses/responses-door.ts';
import { uiDoor } from './ui/ui-door.ts';

/** All doors; a new one is a folder of its own and a line here. */
export const DOORS: readonly Door[] = [nativeDoor, agUiDoor, chatCompletionsDoor, responsesDoor, uiDoor];

/** The dialect of errors that no door sees: of paths without a route, and of methods that a route does not have. */
export function dialectAt(url: string): Omit<Dialect, 'frames'> {
  return /^\/v1(?:\/|$)/.test(url) ? CHAT : NATIVE;
}
