import type { Door } from '../door/dialect.ts';
import { installErrorReplies } from '../error-reply.ts';
import { chatRoutes } from './chat-routes.ts';
import { NATIVE } from './native-dialect.ts';
import { sessionRoutes } from './session-routes.ts';
import { turnRoutes } from './turn-routes.ts';

/** Our own API. */
export const nativeDoor: Door = (deps, readers) => async (app) => {
  installErrorReplies(app, NATIVE);
  await app.register(chatRoutes(deps, readers));
  await app.register(turnRoutes(deps, readers));
  await app.register(sessionRoutes(deps));
};
