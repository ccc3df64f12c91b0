import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { TurnwiseError } from '../../errors.ts';
import type { HttpDeps } from '../http-deps.ts';
import { chatErrorReplies, Model, ModelList, ModelParams } from './reply-schema.ts';

/** `GET /v1/models`: the models that a request may choose from. */
export function modelsRoutes({ conversations }: HttpDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/v1/models',
      {
        schema: {
          summary: 'The models, the default first',
          tags: ['openai'],
          response: { 200: ModelList, ...chatErrorReplies() },
        },
      },
      async () => ({ object: 'list' as const, data: conversations.models().map(modelToJson) }),
    );

    app.get(
      '/v1/models/:model',
      {
        schema: {
          summary: 'One model',
          tags: ['openai'],
          params: ModelParams,
          response: { 200: Model, ...chatErrorReplies('model_not_found') },
        },
      },
      async ({ params: { model } }) => {
        if (!conversations.models().includes(model)) {
          throw new TurnwiseError('model_not_found', { details: { param: 'model' } });
        }
        return modelToJson(model);
      },
    );
  };
}

function modelToJson(id: string) {
  return { id, object: 'model' as const, created: 0, owned_by: 'turnwise' };
}
