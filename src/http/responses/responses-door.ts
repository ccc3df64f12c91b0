import type { Door } from '../door/dialect.ts';
import { installErrorReplies } from '../error-reply.ts';
import { keptResponseRoutes } from './kept-response-routes.ts';
import { responseRoutes } from './response-routes.ts';
import { RESPONSES } from './responses-dialect.ts';

/** OpenAI's Responses, by the Open Responses specification. */
export const responsesDoor: Door = (deps, readers) => async (app) => {
  installErrorReplies(app, RESPONSES);
  // Each request is read by name (`Fields`), so that a refusal names its field; the schemas describe it.
  app.setValidatorCompiler(() => () => true);
  await app.register(responseRoutes(deps, readers));
  await app.register(keptResponseRoutes(deps));
};
