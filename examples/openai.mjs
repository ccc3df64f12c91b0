// OpenAI's own package: node examples/openai.mjs [URL] [MODEL]
import OpenAI from 'openai';

const [url = 'http://localhost:8000', model = 'demo'] = process.argv.slice(2);
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'any' });

// Responses: the server remembers the conversation.
const conversation = await client.conversations.create();
await client.responses.create({ model, conversation: conversation.id, input: 'My name is Ada' });
const stream = await client.responses.create({
  ...{ model, conversation: conversation.id, input: 'What is my name?', stream: true },
});
let text = '';
for await (const event of stream) if (event.type === 'response.output_text.delta') text += event.delta;
console.log(`responses: ${text}`);
for await (const item of client.conversations.items.list(conversation.id, { order: 'asc' })) {
  console.log(`${item.role}: ${item.content.map((part) => part.text).join('')}`);
}

// Chat Completions: the client sends everything each time, and the session keeps what is new.
const answer = await client.chat.completions.create(
  { model, messages: [{ role: 'user', content: 'My name is Ada' }] },
  { headers: { 'X-Session-ID': `${conversation.id}-chat` } },
);
console.log(`chat completions: ${answer.choices[0].message.content}`);
