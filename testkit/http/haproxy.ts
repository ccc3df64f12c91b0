import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Child, startChild } from '../process/child.ts';
import { findProgram } from '../process/find-program.ts';
import { freePort } from '../process/free-port.ts';
import { whenLeftOver } from '../process/left-overs.ts';
import { waitFor } from '../wait-for.ts';
import { call } from './http.ts';

const shippedConfig = fileURLToPath(new URL('../../ops/haproxy/haproxy.cfg', import.meta.url));

/** A real HAProxy in front of replicas, with the shipped configuration except for their addresses. */
export interface Haproxy {
  readonly url: string;
  /** Its log: one line for each request and each change of a server. */
  output(): string;
  stop(): Promise<void>;
}

/**
 * Starts HAProxy on a loopback port; ready when it sends requests to a replica.
 *
 * @param ports   ports of replicas on this host, which may come and go
 * @throws        when HAProxy is not installed, or the shipped file cannot be turned into a test's
 */
export async function startHaproxy(ports: readonly number[]): Promise<Haproxy> {
  const install = process.platform === 'darwin' ? 'brew install haproxy' : 'sudo apt-get install haproxy';
  const binary = findProgram(['haproxy'], `The tests need haproxy on PATH. Install it: ${install}`);
  const port = await freePort();
  const dir = mkdtempSync(join(tmpdir(), 'turnwise-haproxy-'));
  const removeDir = () => rmSync(dir, { recursive: true, force: true });
  const forgetDir = whenLeftOver(removeDir, { kind: 'folder', path: dir });
  const file = join(dir, 'haproxy.cfg');
  writeFileSync(file, configFor(port, ports));
  const child = startChild(binary, ['-f', file, '-db']);
  const url = `http://127.0.0.1:${port}`;
  await untilServing(child, url);
  return {
    url,
    output: () => child.output(),
    async stop() {
      await child.stop();
      forgetDir();
      removeDir();
    },
  };
}

/** The shipped file with static servers instead of those from Docker's DNS, and another port. */
function configFor(port: number, ports: readonly number[]): string {
  const servers = ports.map((one, index) => `    server api${index + 1} 127.0.0.1:${one}`).join('\n');
  const changes: readonly (readonly [RegExp, string])[] = [
    [/^# Docker's own DNS[\s\S]*?^resolvers docker\n(?: {4}.*\n)+/m, ''],
    [/ resolvers docker init-addr none$/m, ''],
    [/^ {4}bind :8000$/m, `    bind 127.0.0.1:${port}`],
    [/^ {4}server-template .*$/m, servers],
  ];
  let text = readFileSync(shippedConfig, 'utf8');
  for (const [found, replacement] of changes) {
    if (!found.test(text)) throw new Error(`ops/haproxy/haproxy.cfg has no line like ${found}`);
    text = text.replace(found, replacement);
  }
  return text;
}

async function untilServing(child: Child, url: string): Promise<void> {
  const isServing = async () => (await call(url, 'GET', '/livez')).status === 200;
  await waitFor(async () => !child.isRunning || (await isServing()), {
    timeoutMs: 10_000,
    what: 'HAProxy to reach a replica',
  });
  if (!child.isRunning) throw new Error(`HAProxy exited:\n${child.output()}`);
}
