/** The stateless passthrough that one would write in an hour: Fastify and the SDK with defaults, nothing stored. */
import fastify from 'fastify';
import OpenAI from 'openai';
import { exitOnTerm, given, operationReply } from './operation.ts';

interface Chat {
  readonly message: string;
  /** What was said before, by callers that send all of it each time. */
  readonly messages?: OpenAI.ChatCompletionMessageParam[];
}

const app = fastify({ logger: false, keepAliveTimeout: 60_000, bodyLimit: 16 * 1024 * 1024 });
const client = new OpenAI({ apiKey: 'bench', baseURL: given('MODEL_URL') });

const body = {
  type: 'object',
  required: ['message'],
  properties: {
    message: { type: 'string', minLength: 1 },
    messages: { type: 'array' },
    conversation_id: { type: 'string' },
  },
};

function promptOf({ message, messages = [] }: Chat) {
  return {
    model: 'scripted',
    messages: [...messages, { role: 'user' as const, content: message }],
  };
}

// It asks as it was asked: for JSON without a stream, which is what costs least.
app.post<{ Body: Chat }>('/api/chat', { schema: { body } }, async (request) => {
  const { choices, usage } = await client.chat.completions.create(promptOf(request.body));
  return { reply: choices[0]?.message.content ?? '', finish_reason: choices[0]?.finish_reason, usage };
});

app.post<{ Body: Chat }>('/api/chat/stream', { schema: { body } }, async (request, reply) => {
  const stream = await client.chat.completions.create({
    ...promptOf(request.body),
    stream: true,
    stream_options: { include_usage: true },
  });
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  let finish_reason: string | null = null;
  let usage: object | null = null;
  for await (const chunk of stream) {
    const content = chunk.choices[0]?.delta.content;
    if (content) raw.write(`event: delta\ndata: ${JSON.stringify({ content })}\n\n`);
    finish_reason = chunk.choices[0]?.finish_reason ?? finish_reason;
    usage = chunk.usage ?? usage;
  }
  raw.end(`event: done\ndata: ${JSON.stringify({ finish_reason, usage })}\n\n`);
});

for (const path of ['/livez', '/metrics']) app.get(path, async () => operationReply(path));

await app.listen({ host: '127.0.0.1', port: Number(given('PORT')) });
exitOnTerm();
