import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { whenLeftOver } from '../process/left-overs.ts';
import { createGate, type Gate, playScript, type Script, type Step } from './model-script.ts';

export interface ModelMessage {
  readonly role: string;
  readonly content: string;
}

/** A call that the model got. */
export interface ModelRequest {
  readonly messages: readonly ModelMessage[];
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: IncomingHttpHeaders;
  /** When it arrived, in ms of `performance.now()`. */
  readonly at: number;
  /** Whether its client disconnected before the answer had ended. */
  readonly aborted: boolean;
  /** Fulfilled when that happens. */
  readonly whenAborted: Promise<void>;
  /** Fulfilled when the connection has ended, one way or the other. */
  readonly closed: Promise<void>;
}

/** What the model does with a request; `index` counts all requests from 0. */
export type Reply = (request: ModelRequest, index: number) => Script;

export interface ScriptedModel {
  /** What OPENAI_BASE_URL takes, `/v1` included. */
  readonly url: string;
  /** All chat calls so far, in order of arrival. */
  readonly requests: readonly ModelRequest[];
  /** Sets the behaviour from the next request on; the default answers `echo:` and the last user message. */
  reply(reply: Reply): void;
  gate(): Gate;
  /** Cuts open connections and stops listening. */
  close(): Promise<void>;
}

/** Starts a scripted OpenAI-compatible model in the test process. */
export async function startScriptedModel(options: { readonly port?: number } = {}): Promise<ScriptedModel> {
  const requests: ModelRequest[] = [];
  let reply: Reply = echo;

  const answer = async (incoming: IncomingMessage, response: ServerResponse) => {
    if (incoming.method === 'GET' && incoming.url === '/v1/models') {
      return json(response, 200, { object: 'list', data: [{ id: 'scripted', object: 'model' }] });
    }
    const body = await readJson(incoming);
    const isCall = incoming.method === 'POST' && incoming.url === '/v1/chat/completions';
    // The server always asks for a stream: anything else is a bug in the code under test.
    if (!isCall || body.stream !== true) {
      const error = { message: `the scripted model does not serve ${incoming.method} ${incoming.url}` };
      return json(response, isCall ? 400 : 404, { error });
    }
    const { request, gone, cut } = record(body, incoming.headers, response);
    const index = requests.push(request) - 1;
    await playScript(reply(request, index), {
      response,
      id: `chatcmpl-${index}`,
      model: String(body.model),
      promptTokens: request.messages.length,
      includeUsage: recordOf(body.stream_options).include_usage === true,
      gone,
      cut,
    });
  };
  const server = createServer((incoming, response) => {
    answer(incoming, response).catch((error) => {
      // A reply function that throws, for example in an expectation, must not look like a model that hangs.
      console.error('the scripted model failed', error);
      response.destroy();
    });
  });
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  const end = async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  const forget = whenLeftOver(end);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    reply(next) {
      reply = next;
    },
    gate: createGate,
    async close() {
      forget();
      await end();
    },
  };
}

/** `echo:` and the last user message, in pieces of seven characters. */
export function echo(request: ModelRequest): Step[] {
  const said = request.messages.findLast((message) => message.role === 'user')?.content ?? '';
  return textDeltas(`echo:${said}`);
}

/** A text as deltas of a given length that split no character. */
export function textDeltas(text: string, size = 7): Step[] {
  const characters = [...text];
  const count = Math.ceil(characters.length / size);
  return Array.from({ length: count }, (_, index) => ({
    delta: characters.slice(index * size, (index + 1) * size).join(''),
  }));
}

function record(body: Record<string, unknown>, headers: IncomingHttpHeaders, response: ServerResponse) {
  const aborted = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  const gone = new AbortController();
  const request = {
    messages: Array.isArray(body.messages) ? (body.messages as ModelMessage[]) : [],
    body,
    headers,
    at: performance.now(),
    aborted: false,
    whenAborted: aborted.promise,
    closed: closed.promise,
  };
  let cutHere = false;
  response.once('close', () => {
    if (!response.writableFinished && !cutHere) {
      request.aborted = true;
      aborted.resolve();
    }
    gone.abort();
    closed.resolve();
  });
  const cut = () => {
    cutHere = true;
    response.destroy();
  };
  return { request, gone: gone.signal, cut };
}

async function readJson(incoming: IncomingMessage): Promise<Record<string, unknown>> {
  const parts: Buffer[] = [];
  for await (const part of incoming as AsyncIterable<Buffer>) parts.push(part);
  const text = Buffer.concat(parts).toString('utf8');
  return text === '' ? {} : recordOf(JSON.parse(text));
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
