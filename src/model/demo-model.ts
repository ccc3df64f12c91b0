import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerFor, type DemoMessage, wordsOf } from './demo-answers.ts';

export interface DemoModelOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Pause before each word of a streamed answer; default 25. */
  readonly wordDelayMs?: number;
}

export interface DemoModel {
  /** What an OpenAI client takes as its base URL, `/v1` included. */
  readonly url: string;
  /** Calls in progress. */
  readonly answering: number;
  close(): Promise<void>;
}

interface Completion {
  readonly messages: readonly DemoMessage[];
  readonly stream: boolean;
  readonly includeUsage: boolean;
}

const modelName = 'demo';
const maxBodyBytes = 16 * 1024 * 1024;

class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/**
 * Serves the built-in demo model: a small OpenAI-compatible HTTP server that keeps nothing between calls.
 *
 * @throws   what `listen` throws, for example EADDRINUSE
 */
export async function startDemoModel(options: DemoModelOptions): Promise<DemoModel> {
  const wordDelayMs = options.wordDelayMs ?? 25;
  let calls = 0;
  let answering = 0;
  const server = createServer((request, response) => {
    const client = new AbortController();
    response.once('close', () => client.abort());
    calls += 1;
    answering += 1;
    handle(request, response, `chatcmpl-demo-${calls}`, wordDelayMs, client.signal)
      .catch((error) => {
        if (client.signal.aborted) return;
        if (response.headersSent) response.destroy();
        else refuse(response, error);
      })
      .finally(() => {
        answering -= 1;
      });
  });
  server.listen(options.port, options.host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return {
    url: `http://${host}:${port}/v1`,
    get answering() {
      return answering;
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  id: string,
  wordDelayMs: number,
  clientLeft: AbortSignal,
): Promise<void> {
  const path = new URL(request.url ?? '/', 'http://demo').pathname;
  if (path === '/v1/models' && request.method === 'GET') {
    const model = { id: modelName, object: 'model', created: 0, owned_by: 'turnwise' };
    return sendJson(response, 200, { object: 'list', data: [model] });
  }
  if (path !== '/v1/chat/completions') throw new Refusal(404, 'unknown_url', `Unknown URL: ${path}`);
  if (request.method !== 'POST') throw new Refusal(405, 'method_not_allowed', 'Use POST here.');

  const completion = readCompletion(await readBody(request));
  const answer = answerFor(completion.messages);
  const usage = usageOf(completion.messages, answer);
  const head = { id, created: Math.floor(Date.now() / 1000), model: modelName };
  if (!completion.stream) {
    const message = { role: 'assistant', content: answer, refusal: null };
    const choices = [{ index: 0, message, logprobs: null, finish_reason: 'stop' }];
    return sendJson(response, 200, { ...head, object: 'chat.completion', choices, usage });
  }

  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  const write = async (data: unknown) => {
    const text = typeof data === 'string' ? data : JSON.stringify(data);
    if (!response.write(`data: ${text}\n\n`)) await once(response, 'drain', { signal: clientLeft });
  };
  const say = (delta: object, finishReason: string | null = null) => {
    const choices = [{ index: 0, delta, logprobs: null, finish_reason: finishReason }];
    return write({ ...head, object: 'chat.completion.chunk', choices });
  };
  await say({ role: 'assistant', content: '' });
  for (const word of wordsOf(answer)) {
    await sleep(wordDelayMs, undefined, { signal: clientLeft });
    await say({ content: word });
  }
  await say({}, 'stop');
  if (completion.includeUsage) await write({ ...head, object: 'chat.completion.chunk', choices: [], usage });
  await write('[DONE]');
  response.end();
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > maxBodyBytes) throw new Refusal(413, 'too_large', 'The body is too large.');
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8'));
  } catch {
    throw new Refusal(400, 'invalid_json', 'The body is not JSON.');
  }
}

function readCompletion(body: unknown): Completion {
  const { model, messages, stream, stream_options } = recordOf(body);
  if (model !== modelName) {
    throw new Refusal(404, 'model_not_found', `The only model here is ${modelName}.`);
  }
  if (!Array.isArray(messages) || messages.length === 0) {
    throw new Refusal(400, 'invalid_request', 'messages must be an array with at least one message.');
  }
  return {
    messages: messages.map((message) => {
      const { role, content } = recordOf(message);
      if (typeof role !== 'string') throw new Refusal(400, 'invalid_request', 'A message has no role.');
      return { role, content: textOf(content) };
    }),
    stream: stream === true,
    includeUsage: recordOf(stream_options).include_usage === true,
  };
}

/** The text of a message's content, which is a string, a list of parts or null. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map((part) => recordOf(part).text)
    .filter((text) => typeof text === 'string')
    .join('');
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** A word counts as one token: an estimate, as every figure of this model is. */
function usageOf(messages: readonly DemoMessage[], answer: string) {
  const prompt = messages.reduce((sum, message) => sum + wordsOf(message.content).length, 0);
  const completion = wordsOf(answer).length;
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}

function refuse(response: ServerResponse, error: unknown): void {
  const known = error instanceof Refusal;
  const status = known ? error.status : 500;
  const message = known ? error.message : 'The demo model failed.';
  const type = status < 500 ? 'invalid_request_error' : 'server_error';
  const code = known ? error.code : 'internal';
  // The rest of a body that is not read would hold the connection open.
  if (status === 413) response.setHeader('connection', 'close');
  sendJson(response, status, { error: { message, type, param: null, code } });
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
