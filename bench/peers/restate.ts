import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePort } from '../../testkit/process/free-port.ts';
import { Caller } from '../exchange.ts';
import { timed } from '../turn.ts';
import { copyIn, folderOf, installPackages } from './install.ts';
import type { Peer } from './peer.ts';
import { startPeerProgram } from './program.ts';

const NAME = 'restate';

/** An engine that runs handlers durably, one at a time for each key; Rust, with a service of ours in TypeScript. */
export const restate: Peer = {
  name: 'Restate 1.7.12',
  stores: 'history and the steps of a turn, in its log on disk; no stream of tokens',
  kinds: ['json'],
  isOnDisk: true,
  install: () =>
    installPackages(NAME, { '@restatedev/restate-server': '1.7.12', '@restatedev/restate-sdk': '1.17.2' }),
  async start(modelUrl, atEnd) {
    const [service, ingress, admin, node] = [
      ...[await freePort(), await freePort(), await freePort(), await freePort()],
    ] as [number, number, number, number];
    const data = mkdtempSync(join(folderOf(NAME), 'data-'));
    atEnd(async () => rmSync(data, { recursive: true, force: true }));
    const handler = await startPeerProgram(
      {
        file: process.execPath,
        args: [copyIn(NAME, 'restate-service.mjs')],
        cwd: folderOf(NAME),
        env: { PORT: String(service), MODEL_URL: modelUrl, NODE_ENV: 'production', RESTATE_LOGGING: 'ERROR' },
        ready: () => reach(service),
      },
      atEnd,
    );
    const adminCaller = new Caller(`http://127.0.0.1:${admin}`);
    atEnd(async () => adminCaller.close());
    const engine = await startPeerProgram(
      {
        file: join(folderOf(NAME), 'node_modules/@restatedev', platformPackage(), 'bin/restate-server'),
        args: [],
        cwd: data,
        env: {
          RESTATE_BASE_DIR: data,
          RESTATE_LISTEN_MODE: 'tcp',
          RESTATE_BIND_IP: '127.0.0.1',
          RESTATE_BIND_PORT: String(node),
          RESTATE_INGRESS__BIND_PORT: String(ingress),
          RESTATE_ADMIN__BIND_PORT: String(admin),
          RESTATE_DISABLE_TELEMETRY: 'true',
          RESTATE_LOG_FILTER: 'error',
        },
        ready: () => adminCaller.call('GET', '/health', null),
      },
      atEnd,
    );
    await register(adminCaller, service);
    const caller = new Caller(`http://127.0.0.1:${ingress}`);
    atEnd(async () => caller.close());
    return {
      pids: [engine.pid, handler.pid],
      turn: (_kind, conversationId, message) =>
        timed(caller, `/chat/${conversationId}/turn`, JSON.stringify(message), '"reply":'),
    };
  },
};

function platformPackage(): string {
  return `restate-server-${process.platform}-${process.arch}`;
}

/** @throws when nothing listens */
function reach(port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect(port, '127.0.0.1', () => resolve());
  socket.once('error', reject);
  return promise.finally(() => socket.destroy());
}

/** Tells the engine of the service. */
async function register(admin: Caller, port: number): Promise<void> {
  const body = JSON.stringify({ uri: `http://127.0.0.1:${port}` });
  await admin.call('POST', '/deployments', body);
}
