import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../testkit/process/free-port.ts';
import { Caller } from '../exchange.ts';
import { timed } from '../turn.ts';
import { copyIn, folderOf, installPackages } from './install.ts';
import type { Peer } from './peer.ts';
import { startPeerProgram } from './program.ts';

const NAME = 'langgraph';

/** LangGraph's development server for JavaScript: threads, and runs that wait for one another in them. */
export const langgraph: Peer = {
  name: 'LangGraph JS dev 2.0.0',
  stores: 'checkpoints of a thread, in the memory of its one process',
  kinds: ['json'],
  isOnDisk: false,
  install: () =>
    installPackages(NAME, {
      '@langchain/langgraph-cli': '2.0.0',
      '@langchain/langgraph': '1.7.3',
      '@langchain/core': '1.4.0',
      '@langchain/openai': '1.6.0',
    }),
  async start(modelUrl, atEnd) {
    const port = await freePort();
    const folder = folderOf(NAME);
    copyIn(NAME, 'langgraph-graph.mjs');
    const config = { node_version: '20', graphs: { chat: './langgraph-graph.mjs:graph' }, env: {} };
    writeFileSync(join(folder, 'langgraph.json'), JSON.stringify(config));
    const caller = new Caller(`http://127.0.0.1:${port}`);
    atEnd(async () => caller.close());
    const place = ['--host', '127.0.0.1', '--port', String(port), '--no-browser'];
    const child = await startPeerProgram(
      {
        file: process.execPath,
        args: ['node_modules/.bin/langgraphjs', 'dev', ...place],
        cwd: folder,
        env: { MODEL_URL: modelUrl, LANGSMITH_TRACING: 'false', LOG_LEVEL: 'error' },
        ready: () => caller.call('GET', '/ok', null),
      },
      atEnd,
    );
    const threads = new Map<string, Promise<string>>();
    const threadOf = (conversationId: string): Promise<string> => {
      const known = threads.get(conversationId);
      if (known !== undefined) return known;
      const begun = begin(caller);
      threads.set(conversationId, begun);
      return begun;
    };
    return {
      pids: [child.pid],
      async turn(_kind, conversationId, content) {
        const thread = await threadOf(conversationId);
        const body = JSON.stringify({
          assistant_id: 'chat',
          input: { messages: [{ role: 'user', content }] },
        });
        return timed(caller, `/threads/${thread}/runs/wait`, body, '"messages":');
      },
    };
  },
};

async function begin(caller: Caller): Promise<string> {
  const { thread_id } = JSON.parse(await caller.call('POST', '/threads', '{}')) as { thread_id: string };
  return thread_id;
}
