import { brotliCompressSync, gzipSync } from 'node:zlib';
import { beforeAll, expect } from 'vitest';
import { chat } from '../../testkit/http/http.ts';
import type { Script, Step } from '../../testkit/model/model-script.ts';
import {
  answersOf,
  callsFor,
  choice,
  delta,
  done,
  end,
  idOf,
  json,
  line,
} from '../../testkit/model/model-wire.ts';
import { saidIn } from '../../testkit/server/api.ts';
import { type Deployment, replicaOf, say, startDeployment } from '../../testkit/server/deployment.ts';
import type { Replica } from '../../testkit/server/replica.ts';
import { promise } from './promises.ts';

let deployment: Deployment;
let replica: Replica;

beforeAll(async () => {
  deployment = await startDeployment(1);
  replica = replicaOf(deployment, 0);
  // By then the server has accepted `stream_options`.
  await chat(replica, 'warm', 'up');
});

const text = (said: string) => ({ type: 'text', text: said });
const hidden = { type: 'thinking', thinking: [text('HIDDEN')] };
const answer = choice({ message: { role: 'assistant', content: 'forty-two' }, finish_reason: 'stop' });

/** Bytes whose two-byte letters are split. */
function* byByte(said: string): Generator<Step> {
  for (const byte of Buffer.from(said)) yield { raw: Uint8Array.of(byte) };
}

/** Each is a complete answer: `forty-two`. */
const SHAPES: Readonly<Record<string, () => Script>> = {
  'parts of text and thought': () => [
    delta([hidden]),
    delta([text('forty')]),
    delta([text('-two'), { type: 'reference' }]),
  ],
  'parts, then strings': () => [delta([hidden, text('forty')]), delta('-two')],
  'a part that is not in a list': () => [delta(text('forty-two'))],
  'no reason, but [DONE]': () => [delta('forty'), delta('-two'), done, end],
  'a reason and no [DONE]': () => [delta('forty-two'), { finish: 'stop' }, end],
  'a reason in every chunk': () => [
    delta('forty', { finish_reason: 'stop' }),
    delta('-two', { finish_reason: 'stop' }),
    end,
  ],
  'text behind the reason': () => [delta('forty'), { finish: 'stop' }, delta('-two'), done, end],
  'an unknown reason': () => [delta('forty-two'), { finish: 'end_turn' }, end],
  'a reset behind the reason': () => [delta('forty-two'), { finish: 'stop' }, { destroySocket: true }],
  'an error behind the reason': () => [
    delta('forty-two'),
    { finish: 'stop' },
    { chunk: { error: { code: 500 } } },
    end,
  ],
  'a whole message in a chunk': () => [{ chunk: answer }, done, end],
  'a message that grows beside the delta': () => [
    { chunk: choice({ delta: { content: 'forty' }, message: { content: 'forty' } }) },
    { chunk: choice({ delta: { content: '-two' }, message: { content: 'forty-two' } }) },
  ],
  'choices out of order': () => [
    {
      chunk: {
        choices: [
          { index: 1, delta: { content: 'no' } },
          { index: 0, delta: { content: 'forty-two' } },
        ],
      },
    },
  ],
  'a refusal as text': () => [{ chunk: choice({ delta: { refusal: 'forty-two' } }) }],
  'line ends of Windows': () => [
    { raw: `${line(choice({ delta: { content: 'forty-two' } }))}\r\n\r\ndata: [DONE]\r\n\r\n` },
    end,
  ],
  'line ends of old': () => [
    { raw: `${line(choice({ delta: { content: 'forty-two' } }))}\r\rdata: [DONE]\r\r` },
    end,
  ],
  'a byte order mark, no space': () => [
    { raw: `\ufeffdata:${JSON.stringify(choice({ delta: { content: 'forty-two' } }))}\n\ndata:[DONE]\n\n` },
    end,
  ],
  'no empty line at the end': () => [
    { raw: `${line(choice({ delta: { content: 'forty-two' } }))}\n\ndata: [DONE]\n` },
    end,
  ],
  'no line end at all at the end': () => [
    { raw: `${line(choice({ delta: { content: 'forty-two' }, finish_reason: 'stop' }))}` },
    end,
  ],
  'data over several lines': () => [
    { raw: `data: {"choices":[{"index":0,\ndata: "delta":{"content":"forty-two"}}]}\n\ndata: [DONE]\n\n` },
    end,
  ],
  'one JSON body': () => [json(answer)],
  'one JSON body without a reason': () => [
    json(choice({ message: { content: [hidden, text('forty-two')] } })),
  ],
  'JSON that calls itself a stream': () => [{ headers: {} }, { raw: `\n ${JSON.stringify(answer)}` }, end],
  'a stream that calls itself JSON': () => [
    { headers: { 'content-type': 'application/json' } },
    delta('forty-two'),
    done,
    end,
  ],
  'a list of chunks': () => [
    json([choice({ delta: { content: 'forty' } }), choice({ delta: { content: '-two' } })]),
  ],
  'a chunk a line': () => [
    { headers: { 'content-type': 'application/x-ndjson' } },
    { raw: `${JSON.stringify(choice({ delta: { content: 'forty' } }))}\n` },
    { raw: `${JSON.stringify(choice({ delta: { content: '-two' }, finish_reason: 'stop' }))}\n` },
    end,
  ],
  'thoughts in two fields': () => [
    { chunk: choice({ delta: { reasoning: 'HIDDEN', reasoning_content: 'HIDDEN' } }) },
    delta('forty-two'),
  ],
  'a reason in every chunk, far apart': () => [
    delta('forty', { finish_reason: 'stop' }),
    { delayMs: 2500 },
    delta('-two', { finish_reason: 'stop' }),
    done,
    end,
  ],
  'the word null as reason': () => [delta('forty', { finish_reason: 'null' }), delta('-two'), done, end],
  'the whole answer once more at the end': () => [
    delta('forty'),
    delta('-two'),
    { chunk: answer },
    done,
    end,
  ],
  'the rest as a whole message': () => [delta('forty'), { chunk: answer }, done, end],
  'two events without a line between': () => [
    {
      raw: `${line(choice({ delta: { content: 'forty' } }))}\n${line(choice({ delta: { content: '-two' } }))}\n\n`,
    },
    done,
    end,
  ],
  'events framed twice': () => [
    { raw: `data: ${line(choice({ delta: { content: 'forty-two' } }))}\n\n` },
    done,
    end,
  ],
  'a packed stream': () => [
    { headers: { 'content-encoding': 'gzip' } },
    { raw: gzipSync(`${line(choice({ delta: { content: 'forty-two' } }))}\n\ndata: [DONE]\n\n`) },
    end,
  ],
  'a packed body': () => [
    { status: 200, headers: { 'content-encoding': 'br' }, body: brotliCompressSync(JSON.stringify(answer)) },
  ],
  'JSON of several lines behind a mark': () => [
    { headers: { 'content-type': 'application/json' } },
    { raw: `\ufeff${JSON.stringify(answer, null, 2)}` },
    end,
  ],
  'large headers': () => [{ headers: { 'x-trace': 'x'.repeat(60_000) } }, delta('forty-two'), done, end],
  'fields that are null': () => [
    { chunk: { choices: null, usage: null, error: null } },
    delta('forty-two', { finish_reason: null, logprobs: null }),
  ],
};

promise(
  'model.wire.shapes',
  'an answer in any format that servers send is streamed and stored whole on both routes',
  async () => {
    deployment.model.reply(answersOf(SHAPES));
    const told = async (name: string) => {
      const { status, body } = await chat(replica, `${idOf(name)}.json`, name);
      const stream = await say(replica, `${idOf(name)}.sse`, name);
      const events = await stream.all();
      const said = events.filter(({ event }) => event === 'delta').map(({ data }) => data.content);
      return [
        name,
        status,
        body.reply,
        said.join(''),
        events.at(-1)?.event,
        await saidIn(replica, `${idOf(name)}.sse`),
      ];
    };
    const names = Object.keys(SHAPES);
    const answers = await Promise.all(names.map(told));
    expect(answers).toEqual(
      names.map((name) => [name, 200, 'forty-two', 'forty-two', 'done', [name, 'forty-two']]),
    );
    for (const name of names) expect([name, callsFor(deployment.model, name).length]).toEqual([name, 2]);
  },
);

promise('model.wire.letters', 'characters whose bytes arrive one at a time are whole', async () => {
  const said = 'é长👋';
  deployment.model.reply(
    answersOf({ bytes: () => byByte(`${line(choice({ delta: { content: said } }))}\n\ndata: [DONE]\n\n`) }),
  );
  expect((await chat(replica, 'bytes', 'bytes')).body.reply).toBe(said);
});
