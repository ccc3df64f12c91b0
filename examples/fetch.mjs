// A stream with fetch, resumed after a lost connection: node examples/fetch.mjs [URL] [CONVERSATION]
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';

const [url = 'http://localhost:8000', conversation = 'fetch'] = process.argv.slice(2);

/** The events of a reply, as they come. */
async function* eventsOf(reply) {
  let event = {};
  for await (const line of createInterface({ input: Readable.fromWeb(reply.body) })) {
    if (line === '' && event.data !== undefined) yield { ...event, data: JSON.parse(event.data) };
    if (line === '') event = {};
    const [, field, value] = /^(id|event|data): (.*)$/.exec(line) ?? [];
    if (field) event[field] = value;
  }
}

const asked = await fetch(`${url}/api/chat/stream`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ message: 'My name is Ada', conversation_id: conversation }),
});
if (!asked.ok) throw new Error(`${asked.status} ${await asked.text()}`);
const turn = asked.headers.get('x-turn-id');
let last = '';
let text = '';
for await (const { id, event, data } of eventsOf(asked)) {
  last = id;
  if (event === 'delta') {
    text += data.content;
    // As if the connection were lost after the first piece.
    break;
  }
}
// Any replica goes on after the last event that arrived.
const resumed = await fetch(`${url}/api/sessions/${conversation}/turns/${turn}/stream`, {
  headers: { 'last-event-id': last },
});
for await (const { event, data } of eventsOf(resumed)) {
  if (event === 'restarted') text = '';
  if (event === 'delta') text += data.content;
  if (event === 'done') console.log(`${text} (${data.message_count} messages)`);
}
