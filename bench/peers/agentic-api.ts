import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../testkit/process/free-port.ts';
import { Caller } from '../exchange.ts';
import { timed } from '../turn.ts';
import { folderOf, installRequirements } from './install.ts';
import type { Peer } from './peer.ts';
import { startPeerProgram } from './program.ts';

const NAME = 'agentic-api';
const ENDS = { json: '"status":"completed"', sse: 'event: response.completed\n' } as const;

/** Responses and Conversations in front of a model server; Rust. */
export const agenticApi: Peer = {
  name: 'agentic-api 0.9.0',
  stores: 'history, in SQLite on disk; no queue, no log of tokens',
  kinds: ['json', 'sse'],
  isOnDisk: false,
  install: () => installRequirements(NAME, ['agentic-api==0.9.0']),
  async start(modelUrl, atEnd) {
    const port = await freePort();
    const home = mkdtempSync(join(folderOf(NAME), 'data-'));
    atEnd(async () => rmSync(home, { recursive: true, force: true }));
    const caller = new Caller(`http://127.0.0.1:${port}`);
    atEnd(async () => caller.close());
    const place = ['--gateway-host', '127.0.0.1', '--gateway-port', String(port), '--skip-llm-ready-check'];
    const child = await startPeerProgram(
      {
        file: join(folderOf(NAME), 'bin/agentic-server'),
        args: [...place, '--llm-api-base', modelUrl, '--db-url', `sqlite://${home}/store.db?mode=rwc`],
        cwd: home,
        env: { OPENAI_API_KEY: 'bench', RUST_LOG: 'error' },
        ready: () => caller.call('GET', '/health', null),
      },
      atEnd,
    );
    // It names conversations itself; those that were begun, by the name that the bench has for them.
    const names = new Map<string, string>();
    return {
      pids: [child.pid],
      async turn(kind, conversationId, message) {
        const beganAt = performance.now();
        const known = names.get(conversationId);
        const conversation = known ?? (await begin(caller));
        if (known === undefined) names.set(conversationId, conversation);
        const begunMs = performance.now() - beganAt;
        const body = JSON.stringify({
          model: 'scripted',
          input: message,
          conversation,
          stream: kind === 'sse',
        });
        const times = await timed(caller, '/v1/responses', body, ENDS[kind]);
        return { beganAt, ms: times.ms + begunMs, firstMs: times.firstMs + begunMs };
      },
    };
  },
};

async function begin(caller: Caller): Promise<string> {
  const { id } = JSON.parse(await caller.call('POST', '/v1/conversations', '{}')) as { id: string };
  return id;
}
