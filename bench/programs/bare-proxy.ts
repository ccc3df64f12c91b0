/** The bare proxy: node:http both ways, deltas framed again. No framework, no SDK: about the least that Node can do. */
import { Agent, createServer, request as openRequest, type ServerResponse } from 'node:http';
import { given, listen, withOperation } from './operation.ts';

const modelUrl = new URL(`${given('MODEL_URL')}/chat/completions`);
const agent = new Agent({ keepAlive: true });

interface Chunk {
  readonly choices: readonly {
    readonly delta: { readonly content?: string };
    readonly finish_reason?: string;
  }[];
  readonly usage?: object;
}

interface Heard {
  text(content: string): void;
  end(finishReason: string | null, usage: object | null): void;
  failed(): void;
}

function ask(message: string, heard: Heard): void {
  const body = JSON.stringify({
    model: 'scripted',
    messages: [{ role: 'user', content: message }],
    stream: true,
    stream_options: { include_usage: true },
  });
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const outgoing = openRequest(modelUrl, { method: 'POST', agent, headers }, (incoming) => {
    let [rest, finishReason, usage]: [string, string | null, object | null] = ['', null, null];
    incoming.setEncoding('utf8');
    incoming.on('data', (piece: string) => {
      const frames = (rest + piece).split('\n\n');
      rest = frames.pop() ?? '';
      for (const frame of frames) {
        if (frame === 'data: [DONE]') continue;
        const chunk = JSON.parse(frame.slice('data: '.length)) as Chunk;
        const choice = chunk.choices[0];
        if (choice?.delta.content) heard.text(choice.delta.content);
        finishReason = choice?.finish_reason ?? finishReason;
        usage = chunk.usage ?? usage;
      }
    });
    incoming.on('end', () => heard.end(finishReason, usage));
  });
  outgoing.on('error', heard.failed);
  outgoing.end(body);
}

function asJson(response: ServerResponse): Heard {
  let reply = '';
  return {
    text: (content) => {
      reply += content;
    },
    end: (finish_reason, usage) => {
      const text = JSON.stringify({ reply, finish_reason, usage });
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(text),
      });
      response.end(text);
    },
    failed: () => void response.destroy(),
  };
}

function asStream(response: ServerResponse): Heard {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  return {
    text: (content) => void response.write(`event: delta\ndata: ${JSON.stringify({ content })}\n\n`),
    end: (finish_reason, usage) =>
      void response.end(`event: done\ndata: ${JSON.stringify({ finish_reason, usage })}\n\n`),
    failed: () => void response.destroy(),
  };
}

listen(
  createServer(
    withOperation((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const { message } = JSON.parse(Buffer.concat(parts).toString()) as { message: string };
        ask(message, request.url === '/api/chat' ? asJson(response) : asStream(response));
      });
    }),
  ),
);
