import { setTimeout as sleep } from 'node:timers/promises';
import type { Script, Step } from './model-script.ts';

const choice = (delta: unknown, finish: string | null = null) => ({
  id: 'chatcmpl-broken',
  object: 'chat.completion.chunk',
  created: 0,
  model: 'scripted',
  choices: [{ index: 0, delta, finish_reason: finish }],
});

/** The ways in which a model's stream can be broken, each as a script without a usable end. */
export const brokenReplies = {
  'nothing at all': () => [{ end: true }],
  'an end in the middle of the answer': () => [{ delta: 'half ' }, { delta: 'of it' }, { end: true }],
  'a connection that breaks in the middle': () => [{ delta: 'half of it' }, { destroySocket: true }],
  'a chunk that is not JSON': () => [
    { delta: 'half' },
    { raw: 'data: {"choices":[{"del\n\n' },
    { end: true },
  ],
  'a page of HTML': () => [
    { headers: { 'content-type': 'text/html' } },
    { raw: '<html><body>Bad gateway</body></html>' },
    { end: true },
  ],
  'a content type that is no stream': () => [
    { headers: { 'content-type': 'application/octet-stream' } },
    { raw: new Uint8Array([0, 1, 2, 3, 255, 254]) },
    { end: true },
  ],
  'a JSON answer where a stream was asked for': () => [
    { status: 200, body: { object: 'chat.completion', choices: [] } },
  ],
  'chunks without choices': () => [
    { chunk: { ...choice({}), choices: [] } },
    { chunk: { ...choice({}), choices: [] } },
    { raw: 'data: [DONE]\n\n' },
    { end: true },
  ],
  'content of a wrong type': () => [{ chunk: choice({ role: 'assistant', content: { text: 7 } }) }],
  'an error in the middle of the stream': () => [
    { delta: 'half' },
    { chunk: { error: { message: 'scripted', type: 'server_error', code: 'overloaded' } } },
    { end: true },
  ],
  'bytes that claim to be gzip': () => [
    { headers: { 'content-encoding': 'gzip' } },
    { raw: new Uint8Array([31, 139, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8]) },
    { end: true },
  ],
  'a finish without any content': () => [{ finish: 'stop' }],
} as const satisfies Record<string, () => Script>;

/** A complete answer without the `[DONE]`, which some servers leave out. */
export function withoutDone(): Step[] {
  return [{ delta: 'whole' }, { finish: 'stop' }, { end: true }];
}

/** Never ends: one delta of `size` characters each `everyMs`. */
export async function* endless(size: number, everyMs: number): AsyncGenerator<Step> {
  for (;;) {
    yield { delta: 'x'.repeat(size) };
    if (everyMs > 0) await sleep(everyMs);
  }
}
