import { join } from 'node:path';
import { freePort } from '../../testkit/process/free-port.ts';
import { Caller } from '../exchange.ts';
import { timed } from '../turn.ts';
import { folderOf, installPackages } from './install.ts';
import type { Peer } from './peer.ts';
import { startPeerProgram } from './program.ts';

const NAME = 'portkey';
const ENDS = { json: '"finish_reason":"stop"', sse: '[DONE]' } as const;

/** A gateway to models; TypeScript. Each of its streams waits 25 ms by design. */
export const portkey: Peer = {
  name: 'Portkey 1.15.2',
  stores: 'nothing: the caller has the history',
  kinds: ['json', 'sse'],
  isOnDisk: false,
  // With a newer one of these its streams fail.
  install: () =>
    installPackages(
      NAME,
      { '@portkey-ai/gateway': '1.15.2', '@hono/node-server': '1.13.8' },
      { '@hono/node-server': '1.13.8' },
    ),
  async start(modelUrl, atEnd) {
    const port = await freePort();
    const caller = new Caller(`http://127.0.0.1:${port}`);
    atEnd(async () => caller.close());
    const child = await startPeerProgram(
      {
        file: process.execPath,
        args: ['node_modules/@portkey-ai/gateway/build/start-server.js', '--headless', `--port=${port}`],
        cwd: join(folderOf(NAME)),
        env: { TRUSTED_CUSTOM_HOSTS: '127.0.0.1', NODE_ENV: 'production' },
        ready: () => caller.call('GET', '/', null),
      },
      atEnd,
    );
    const headers = {
      'x-portkey-provider': 'openai',
      'x-portkey-custom-host': modelUrl,
      authorization: 'Bearer bench',
    };
    return {
      pids: [child.pid],
      turn: (kind, _conversationId, content) => {
        const messages = [{ role: 'user', content }];
        const body = JSON.stringify({ model: 'scripted', messages, stream: kind === 'sse' });
        return timed(caller, '/v1/chat/completions', body, ENDS[kind], headers);
      },
    };
  },
};
