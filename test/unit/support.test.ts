import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import OpenAI from 'openai';
import { expect } from 'vitest';
import { collect } from '../../testkit/collect.ts';
import { createSseParser, type SseFrame } from '../../testkit/http/parse-sse.ts';
import { openStream } from '../../testkit/http/sse.ts';
import { brokenReplies } from '../../testkit/model/broken-replies.ts';
import { startScriptedModel } from '../../testkit/model/scripted-model.ts';
import { whenLeftOver } from '../../testkit/process/left-overs.ts';
import { testSeed } from '../../testkit/seed.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { promise } from './promises.ts';

promise('support.ledger.load', 'a promise whose sentence differs from its ledger fails at load', () => {
  expect(() => promise('demo.long-answer', 'x', () => undefined)).toThrow('differs');
});

const line = fc.string({ unit: fc.constantFrom('a', ' ', ':', '你', '👋', '\u2028'), maxLength: 6 });
const frame = fc.record({
  id: fc.option(line, { nil: undefined }),
  event: fc.constantFrom('message', 'delta', 'done'),
  data: fc.array(line, { minLength: 1, maxLength: 3 }).map((lines) => lines.join('\n')),
});
const stream = fc.record({
  frames: fc.array(frame, { maxLength: 6 }),
  ends: fc.array(fc.constantFrom('\r', '\n', '\r\n'), { minLength: 1, maxLength: 5 }),
  cuts: fc.array(fc.nat(400), { maxLength: 12 }),
});

promise(
  'support.sse.any-split',
  'the event parser reads the same events wherever the bytes are split and however lines end',
  () => {
    fc.assert(
      fc.property(stream, ({ frames, ends, cuts }) => {
        const lines = frames.flatMap(({ id, event, data }) => [
          ': comment',
          ...(id === undefined ? [] : [`id: ${id}`]),
          ...(event === 'message' ? [] : [`event:${event}`]),
          ...data.split('\n').map((text) => `data: ${text}`),
          '',
        ]);
        // Mixed ends would turn the CR and LF of two empty lines into one CRLF: one kind of end where they meet.
        const end = (index: number) =>
          lines[index + 1] === '' || lines[index] === '' ? '\n' : ends[index % ends.length];
        const text = lines.map((one, index) => one + end(index)).join('');
        const places = [
          0,
          ...cuts.map((cut) => Math.min(cut, text.length)).sort((a, b) => a - b),
          text.length,
        ];
        const parser = createSseParser();
        const read: SseFrame[] = places
          .slice(1)
          .flatMap((place, index) => parser.push(text.slice(places[index], place)));
        expect(read).toEqual(frames);
        expect(parser.comments).toBe(frames.length);
      }),
      { seed: testSeed | 0, numRuns: 500 },
    );
    for (const end of ['\r', '\n', '\r\n']) {
      const parser = createSseParser();
      const pieces = [...`\uFEFFretry: 7${end}data${end}${end}data: lost`.slice(1), end];
      expect(pieces.flatMap((piece) => parser.push(piece))).toEqual([
        { id: undefined, event: 'message', data: '' },
      ]);
      expect(parser.retryMs).toBe(7);
    }
  },
);

async function serve(answer: (response: ServerResponse) => void): Promise<string> {
  const server = createServer((_request, response) => answer(response)).listen(0, '127.0.0.1');
  await waitFor(() => server.listening, { what: 'the server to listen' });
  whenLeftOver(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

promise(
  'support.sse.cut-is-told',
  'the event reader distinguishes a stream that ended from one that was cut',
  async () => {
    const head = { 'content-type': 'text/event-stream' };
    const delta = 'event: delta\ndata: {"content":"x"}\n\n';
    const done = 'event: done\ndata: {}\n\n';
    const whole = await openStream(
      await serve((response) => response.writeHead(200, head).end(delta + done)),
    );
    expect((await whole.all()).map((event) => event.event)).toEqual(['delta', 'done']);
    expect([whole.ended, whole.text()]).toEqual(['terminal', 'x']);

    const early = await openStream(await serve((response) => response.writeHead(200, head).end(delta)));
    await expect(early.until('done')).rejects.toThrow('ended (cut) before done');
    expect(early.ended).toBe('cut');

    const broken = await serve((response) => {
      response.writeHead(200, head).write(delta + done);
      setTimeout(() => response.destroy(), 20);
    });
    const reader = await openStream(broken);
    await reader.all();
    expect(reader.ended).toBe('cut');

    const silent = await openStream(await serve((response) => response.writeHead(200, head).flushHeaders()));
    await expect(silent.next(50)).rejects.toThrow('no event in 50 ms');
    silent.destroy();
    expect(await silent.next()).toBeUndefined();

    const refused = await openStream(
      await serve((response) =>
        response.writeHead(409, { 'content-type': 'application/json' }).end('{"error":1}'),
      ),
    );
    expect([refused.status, await refused.json()]).toEqual([409, { error: 1 }]);
  },
);

promise(
  'support.model.records',
  'the scripted model records its requests and notices a client that disconnects',
  async () => {
    const model = await startScriptedModel();
    const client = new OpenAI({ baseURL: model.url, apiKey: 'any', maxRetries: 0 });
    const ask = (content: string, signal?: AbortSignal) =>
      client.chat.completions.create(
        {
          model: 'scripted',
          messages: [{ role: 'user', content }],
          stream: true,
          stream_options: { include_usage: true },
        },
        signal ? { signal } : {},
      );
    const read = async (content: string) => {
      const chunks = await collect(await ask(content));
      return {
        deltas: chunks.map((chunk) => chunk.choices[0]?.delta.content).filter(Boolean),
        finish: chunks.findLast((chunk) => chunk.choices[0]?.finish_reason)?.choices[0]?.finish_reason,
        usage: chunks.at(-1)?.usage,
      };
    };
    expect(await read('hello 你好👋')).toEqual({
      deltas: ['echo:he', 'llo 你好👋'],
      finish: 'stop',
      usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
    });
    expect(model.requests[0]).toMatchObject({
      messages: [{ role: 'user', content: 'hello 你好👋' }],
      aborted: false,
    });

    model.reply((_request, index) =>
      index === 1 ? [{ status: 429, headers: { 'retry-after': '7' } }] : [{ delta: 'a' }, { hang: true }],
    );
    await expect(ask('again')).rejects.toMatchObject({ status: 429 });
    const leaving = new AbortController();
    await ask('third', leaving.signal);
    leaving.abort();
    await model.requests[2]?.whenAborted;
    expect(model.requests.map((request) => request.aborted)).toEqual([false, false, true]);

    model.reply(() => [{ delta: 'a' }, { destroySocket: true }]);
    await expect(read('cut')).rejects.toThrow();
    await model.requests[3]?.closed;
    expect(model.requests[3]?.aborted).toBe(false);

    model.reply(() => [{ delta: 'a' }, { finish: 'length' }]);
    expect(await read('short')).toMatchObject({ deltas: ['a'], finish: 'length' });
    for (const reply of Object.values(brokenReplies)) {
      model.reply(reply);
      // None of them is a complete answer: an error, no finish, or no text.
      const outcome = await read('broken').catch(() => undefined);
      const hasText = outcome?.deltas.every((text) => typeof text === 'string') && outcome.deltas.length > 0;
      expect(outcome?.finish && hasText).toBeFalsy();
    }
  },
);

promise('support.model.gate', 'a gate holds the scripted model until it is opened', async () => {
  const model = await startScriptedModel();
  const gate = model.gate();
  model.reply(() => [{ delta: 'before' }, { wait: gate }, { delta: 'after' }]);
  const body = { model: 'scripted', stream: true, messages: [{ role: 'user', content: 'x' }] };
  const reader = await openStream(`${model.url}/chat/completions`, { method: 'POST', body });
  await gate.reached;
  const texts = () => JSON.stringify(reader.events);
  await waitFor(() => texts().includes('before'), { what: 'the first delta' });
  await expect(reader.until('none', 100)).rejects.toThrow('no event');
  expect(texts()).not.toContain('after');
  gate.open();
  await reader.all();
  expect(texts()).toContain('after');
});
