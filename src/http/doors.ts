import { agUiDoor } from './ag-ui/ag-ui-door.ts';
import { chatCompletionsDoor } from './chat-completions/chat-completions-door.ts';
import type { Door } from './door/dialect.ts';
import { nativeDoor } from './native/native-door.ts';
import { responsesDoor } from './responses/responses-door.ts';
import { uiDoor } from './ui/ui-door.ts';

/** All doors; a new one is a folder of its own and a line here. */
export const DOORS: readonly Door[] = [nativeDoor, agUiDoor, chatCompletionsDoor, responsesDoor, uiDoor];
