import type { Door } from '../door/dialect.ts';
import { installErrorReplies } from '../error-reply.ts';
import { conversationItemRoutes } from './conversation-item-routes.ts';
import { conversationRoutes } from './conversation-routes.ts';
import { keptResponseRoutes } from './kept-response-routes.ts';
import { responseRoutes } from './response-routes.ts';
import { RESPONSES } from './responses-dialect.ts';
import { socketRoute } from './socket-route.ts';
import { windowRoutes } from './window-routes.ts';

/** OpenAI's Responses and Conversations, by the Open Responses specification. */
export const responsesDoor: Door = (deps, readers) => async (app) => {
  installErrorReplies(app, RESPONSES);
  // Each request is read by name (`Fields`), so that a refusal names its field; the schemas describe it.
  app.setValidatorCompiler(() => () => true);
  await app.register(responseRoutes(deps, readers));
  await app.register(socketRoute(deps, readers));
  await app.register(windowRoutes(deps));
  await app.register(keptResponseRoutes(deps));
  await app.register(conversationRoutes(deps));
  await app.register(conversationItemRoutes(deps));
};
