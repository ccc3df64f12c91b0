/** The stateless passthrough that one would write in an hour: Fastify and the SDK with defaults, nothing stored. */
import fastify from 'fastify';
import OpenAI from 'openai';
import { exitOnTerm, given, operationReply } from './operation.ts';

interface Chat {
  readonly message: string;
}

const app = fastify({ logger: false, keepAliveTimeout: 60_000 });
const client = new OpenAI({ apiKey: 'bench', baseURL: given('MODEL_URL') });

const body = {
  type: 'object',
  required: ['message'],
  properties: { message: { type: 'string', minLength: 1 }, conversation_id: { type: 'string' } },
};

function ask(message: string) {
  return client.chat.completions.create({
    model: 'scripted',
    messages: [{ role: 'user', content: message }],
    stream: true,
    stream_options: { include_usage: true },
  });
}

app.post<{ Body: Chat }>('/api/chat', { schema: { body } }, async (request) => {
  let reply = '';
  let finish_reason: string | null = null;
  let usage: object | null = null;
  for await (const chunk of await ask(request.body.message)) {
    reply += chunk.choices[0]?.delta.content ?? '';
    finish_reason = chunk.choices[0]?.finish_reason ?? finish_reason;
    usage = chunk.usage ?? usage;
  }
  return { reply, finish_reason, usage };
});

app.post<{ Body: Chat }>('/api/chat/stream', { schema: { body } }, async (request, reply) => {
  const stream = await ask(request.body.message);
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
