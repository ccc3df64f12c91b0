// Writes docs/one-turn.md: one turn as each door shows it, from a real replica.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { startScriptedModel } from '../testkit/model/scripted-model.ts';
import { commitOfCheckout } from '../testkit/process/commit.ts';
import { startRedis } from '../testkit/redis/redis.ts';
import { startReplica } from '../testkit/server/replica.ts';
import { root } from './setup/run.mjs';

const QUESTION = 'What time is it?';

/** Characters of a line that are shown. */
const MOST = 300;

/** Each door, its request for the same turn, and how its answer is titled. */
const DOORS = [
  {
    title: 'Native',
    path: '/api/chat/stream',
    body: { message: QUESTION, conversation_id: 'one-turn' },
  },
  {
    title: 'Responses',
    path: '/v1/responses',
    body: { model: 'demo', input: QUESTION, stream: true, reasoning: { summary: 'auto' } },
  },
  {
    title: 'Chat Completions',
    path: '/v1/chat/completions',
    headers: { 'X-Session-ID': 'one-turn-chat' },
    body: {
      ...{ model: 'demo', stream: true, stream_options: { include_usage: true } },
      messages: [{ role: 'user', content: QUESTION }],
    },
  },
  {
    title: 'UI message stream',
    path: '/api/ui/chat',
    body: { id: 'one-turn-ui', messages: [{ role: 'user', parts: [{ type: 'text', text: QUESTION }] }] },
  },
  {
    title: 'AG-UI',
    path: '/api/ag-ui',
    body: {
      ...{
        threadId: 'one-turn-ag-ui',
        runId: 'run-1',
        state: {},
        tools: [],
        context: [],
        forwardedProps: {},
      },
      messages: [{ id: 'u1', role: 'user', content: QUESTION }],
    },
  },
];

const delta = (fields) => ({ chunk: { choices: [{ index: 0, delta: fields }] } });

/** The model thinks, speaks in two pieces, and counts. */
const ANSWER = [delta({ reasoning_content: 'A clock is needed.' }), { delta: 'It is ' }, { delta: 'noon.' }];

async function main() {
  const [redis, model] = await Promise.all([startRedis(), startScriptedModel()]);
  model.reply(() => ANSWER);
  const replica = await startReplica({
    entry: path.join(root, 'dist', 'main.js'),
    ...{ redisUrl: redis.url, modelUrl: model.url },
    env: { OPENAI_MODEL: 'demo', LOG_LEVEL: 'warn', WORKER: 'off', SHUTDOWN_DELAY_SECONDS: '0' },
  });
  try {
    const sections = [];
    for (const door of DOORS) sections.push(await sectionOf(replica.url, door));
    const head = `# One turn, in every door

The same turn of a model that thinks, speaks in two pieces and counts its tokens, as each door sends it: one log of events, five
ways to read it. Long lines are cut. Made by \`node scripts/one-turn.mjs\`, from ${commitOfCheckout()}. [protocol.md](protocol.md) has the rules.
`;
    writeFileSync(path.join(root, 'docs', 'one-turn.md'), [head, ...sections].join('\n'));
  } finally {
    replica.term();
    await Promise.all([replica.exited, model.close()]);
    await redis.stop();
  }
}

async function sectionOf(url, { title, path: route, headers = {}, body }) {
  const reply = await fetch(url + route, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  const text = await reply.text();
  if (reply.status !== 200) throw new Error(`${route} replied ${reply.status}: ${text}`);
  const asked = Object.entries(headers).map(([name, value]) => `${name}: ${value}\n`);
  return `## ${title}

\`\`\`http
POST ${route}
${asked.join('')}
${JSON.stringify(body)}
\`\`\`

\`\`\`text
${text.trim().split('\n').map(cut).join('\n')}
\`\`\`
`;
}

/** Whole responses are repeated in many frames. */
function cut(line) {
  return line.length > MOST ? `${line.slice(0, MOST)} …` : line;
}

main().catch((error) => {
  console.error(`one-turn: ${error.message}`);
  process.exitCode = 1;
});
