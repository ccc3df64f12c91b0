/** The scripted model in its own process: fast and deterministic. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { AT_ONCE, framesOf, HOLD, type ModelCall, type ModelPlan } from './model-plan.ts';
import { listen, withOperation } from './operation.ts';

let script: ModelPlan = { deltas: 10, ...AT_ONCE };
let frames = framesOf(script.deltas);
let lastBody: Buffer = Buffer.alloc(0);
const held = new Set<() => void>();
let calls: ModelCall[] = [];

function takeScript(next: ModelPlan): void {
  script = next;
  frames = framesOf(next.deltas);
}

/** The prompt is parsed only on request: that time would be the model's, not the server's. */
function lastPrompt(): { messages: number; bytes: number } {
  const messages = lastBody.length === 0 ? [] : messagesIn(lastBody);
  return { messages: messages.length, bytes: lastBody.length };
}

function messagesIn(body: Buffer): readonly { content?: string }[] {
  return (JSON.parse(body.toString()) as { messages: { content?: string }[] }).messages;
}

function isHeld(body: Buffer): boolean {
  return body.includes(HOLD) && (messagesIn(body).at(-1)?.content?.startsWith(HOLD) ?? false);
}

async function answer(response: ServerResponse, beganAt: number): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(frames.head);
  if (script.firstMs > 0) await sleep(script.firstMs);
  for (const [index, piece] of frames.pieces.entries()) {
    if (index > 0 && script.betweenMs > 0) await sleep(script.betweenMs);
    response.write(piece);
  }
  response.end(frames.tail);
  // Only the last few: they are not requested under load.
  if (calls.length > 1000) calls = [];
  calls.push({ beganAt, endedAt: performance.now() });
}

/** @returns when the call arrived, once it may be answered */
async function beginning(body: Buffer): Promise<number> {
  const beganAt = performance.now();
  if (isHeld(body)) await new Promise<void>((resolve) => held.add(resolve));
  return beganAt;
}

async function handle(request: IncomingMessage, response: ServerResponse, body: Buffer): Promise<void> {
  switch (request.url) {
    case '/v1/chat/completions':
      lastBody = body;
      return answer(response, await beginning(body));
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
      request.on('end', () => void handle(request, response, Buffer.concat(parts)));
    }),
  ),
);
