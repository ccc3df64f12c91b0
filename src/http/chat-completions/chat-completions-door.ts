import type { Door } from '../door/dialect.ts';
import { installErrorReplies } from '../error-reply.ts';
import { CHAT } from './chat-dialect.ts';
import { completionsRoute } from './completions-route.ts';
import { modelsRoutes } from './models-routes.ts';

/** OpenAI's Chat Completions, and the list of models that its clients look at first. */
export const chatCompletionsDoor: Door = (deps, readers) => async (app) => {
  installErrorReplies(app, CHAT);
  await app.register(completionsRoute(deps, readers));
  await app.register(modelsRoutes(deps));
};
