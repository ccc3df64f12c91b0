import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../testkit/process/free-port.ts';
import { Caller } from '../exchange.ts';
import { timed } from '../turn.ts';
import { folderOf, installRequirements } from './install.ts';
import type { Peer } from './peer.ts';
import { startPeerProgram } from './program.ts';

const NAME = 'original';
const ENDS = { json: '"session_id":', sse: 'event: done\n' } as const;

/** The stack that the first version of this server had. */
export const original: Peer = {
  name: 'FastAPI and AutoGen 0.7.5',
  stores: 'history, in the memory of its one process',
  kinds: ['json', 'sse'],
  isOnDisk: false,
  install: () =>
    installRequirements(NAME, [
      ...['fastapi==0.165.0', 'uvicorn==0.54.0'],
      ...['autogen-agentchat==0.7.5', 'autogen-ext[openai]==0.7.5', 'openai==3.57.0'],
    ]),
  async start(modelUrl, atEnd) {
    const port = await freePort();
    const caller = new Caller(`http://127.0.0.1:${port}`);
    atEnd(async () => caller.close());
    const child = await startPeerProgram(
      {
        file: join(folderOf(NAME), 'bin/python'),
        args: [fileURLToPath(new URL('original.py', import.meta.url))],
        env: { PORT: String(port), MODEL_URL: modelUrl },
        ready: () => caller.call('GET', '/livez', null),
      },
      atEnd,
    );
    return {
      pids: [child.pid],
      turn: (kind, conversation_id, message) =>
        timed(
          caller,
          kind === 'json' ? '/api/chat' : '/api/chat/stream',
          JSON.stringify({ message, conversation_id }),
          ENDS[kind],
        ),
    };
  },
};
