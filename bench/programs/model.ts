/** The scripted model in its own process: fast and deterministic. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AT_ONCE,
  type Frames,
  framesOf,
  HOLD,
  type ModelCall,
  type ModelPlan,
  SHORT,
  SHORT_DELTAS,
} from './model-plan.ts';
import { listen, withOperation } from './operation.ts';
import { responseFramesOf } from './response-frames.ts';

let script: ModelPlan = { deltas: 10, ...AT_ONCE };
let frames = framesOf(script.deltas);
const shortFrames = framesOf(SHORT_DELTAS);
let lastBody: Buffer = Buffer.alloc(0);
const held = new Set<() => void>();
let calls: ModelCall[] = [];
let responses = 0;

function takeScript(next: ModelPlan): void {
  script = next;
  frames = framesOf(next.deltas);
}

/** The prompt is parsed only on request: that time would be the model's, not the server's. */
function lastPrompt(): { messages: number; bytes: number } {
  const messages = lastBody.length === 0 ? [] : messagesIn(lastBody);
  return { messages: messages.length, bytes: lastBody.length };
}

function messagesIn(body: Buffer): readonly { content?: unknown }[] {
  return (JSON.parse(body.toString()) as { messages: { content?: unknown }[] }).messages;
}

/** The text of the last message, where a body has a word that matters here. */
function lastSaid(body: Buffer, word: string): string | null {
  if (!body.includes(word)) return null;
  const content = messagesIn(body).at(-1)?.content;
  return typeof content === 'string' ? content : null;
}

/** Pieces come at their planned times: a timer that is late does not delay those after it. */
async function stream(response: ServerResponse, own: Frames, pace: ModelPlan): Promise<void> {
  const startedAt = performance.now();
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(own.head);
  for (const [index, piece] of own.pieces.entries()) {
    const waitMs = startedAt + pace.firstMs + index * pace.betweenMs - performance.now();
    if (waitMs > 0) await sleep(Math.max(1, waitMs));
    response.write(piece);
  }
  response.end(own.tail);
}

async function send(response: ServerResponse, body: Buffer, own: Frames, pace: ModelPlan): Promise<void> {
  // As serializers write it: to parse a long prompt would take longer than to answer it.
  if (body.includes('"stream":true') || body.includes('"stream": true')) {
    await stream(response, own, pace);
    return;
  }
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(own.json),
  });
  response.end(own.json);
}

async function answer(response: ServerResponse, body: Buffer): Promise<void> {
  const beganAt = performance.now();
  const asked = lastSaid(body, HOLD);
  if (asked?.startsWith(HOLD)) await new Promise<void>((resolve) => held.add(resolve));
  const isShort = lastSaid(body, SHORT)?.startsWith(SHORT) ?? false;
  const own = isShort ? shortFrames : frames;
  await send(response, body, own, isShort ? { ...script, ...AT_ONCE } : script);
  // Only the last few: they are not requested under load.
  if (calls.length > 1000) calls = [];
  calls.push({ beganAt, endedAt: performance.now(), asked: asked?.slice(0, 100) ?? null });
}

function handle(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
  switch (request.url) {
    case '/v1/chat/completions':
      lastBody = body;
      void answer(response, body);
      return;
    case '/v1/responses':
      void send(response, body, responseFramesOf(script.deltas, String(++responses)), script);
      return;
    case '/script':
      takeScript(JSON.parse(body.toString()) as ModelPlan);
      response.end();
      return;
    case '/release':
      for (const go of held) go();
      held.clear();
      response.end();
      return;
    case '/last':
      response.end(JSON.stringify(lastPrompt()));
      return;
    case '/last-body':
      response.end(lastBody);
      return;
    case '/calls':
      response.end(JSON.stringify(calls));
      calls = [];
      return;
    default:
      response.writeHead(404).end();
  }
}

listen(
  createServer(
    withOperation((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => handle(request, response, Buffer.concat(parts)));
    }),
  ),
);
