// AG-UI with the unmodified HttpAgent: two runs, a tool of this script, and a run that is read again after its
// connection was lost. Run it beside `npm run quickstart`:
//
//   node examples/ag-ui/run.mjs [http://localhost:8000]
import { HttpAgent, runHttpRequest, transformHttpEventStream } from '@ag-ui/client';

const [server = 'http://localhost:8000', threadId = crypto.randomUUID()] = process.argv.slice(2);

/** HttpAgent that can connect to a run: the server replays it, after a snapshot of the thread. */
class ResumableAgent extends HttpAgent {
  connect() {
    return transformHttpEventStream(
      runHttpRequest(async () => {
        const response = await fetch(`${this.url}/${this.threadId}/stream`, { headers: this.headers });
        // 204: nothing runs. The client wants a body.
        return response.status === 204 ? new Response('') : response;
      }),
    );
  }
}

const tools = [
  { name: 'clock', description: 'The time of day', parameters: { type: 'object', properties: {} } },
];

const agent = new ResumableAgent({ url: `${server}/api/ag-ui`, threadId });
const add = (message) => agent.addMessage({ id: crypto.randomUUID(), ...message });

/** Runs, and answers the calls of our tool until there are none. */
async function say(content) {
  add({ role: 'user', content });
  let pending = [];
  do {
    for (const toolCallId of pending) add({ role: 'tool', toolCallId, content: new Date().toTimeString() });
    pending = [];
    await agent.runAgent(
      { tools },
      {
        onTextMessageContentEvent: ({ event }) => void process.stdout.write(event.delta),
        onTextMessageEndEvent: () => void process.stdout.write('\n'),
        onRunFinishedEvent: (run) => {
          pending = run.pendingToolCallIds ?? [];
        },
        onRunErrorEvent: ({ event }) => console.error(`${event.code}: ${event.message}`),
      },
    );
  } while (pending.length > 0);
}

await say('My name is Ada');
await say('What is my name?');

// The connection is lost in the middle of an answer: the run goes on, and is read again.
add({ role: 'user', content: 'Say my name once more' });
await agent.runAgent({}, { onTextMessageStartEvent: () => agent.abortRun() });
await agent.connectAgent();

console.log('\nThe thread:');
for (const { role, content } of agent.messages) console.log(`${role}: ${content ?? ''}`);
