import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect } from 'vitest';
import { replicaOf, startDeployment } from '../../testkit/server/deployment.ts';
import { promise } from './promises.ts';

const run = promisify(execFile);
const client = path.resolve('client');
const folder = mkdtempSync(path.join(tmpdir(), 'turnwise-client-'));

beforeAll(async () => {
  const deployment = await startDeployment(1);
  for (const file of ['index.ts', 'tsconfig.json', 'package.json']) {
    cpSync(path.join(client, file), path.join(folder, file));
  }
  // Both the packages of the workspace and those that npm put above it.
  symlinkSync(path.resolve('node_modules'), path.join(folder, 'node_modules'));
  const types = path.join(folder, 'openapi.d.ts');
  await run(process.execPath, ['scripts/client.mjs', replicaOf(deployment, 0).url, '--out', types]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the compiler of the client's workspace says about a program. */
async function compile(program: string): Promise<string> {
  writeFileSync(path.join(folder, 'program.ts'), `import { createTurnwise } from './index.ts';\n${program}`);
  const compiler = path.join(client, 'node_modules', 'typescript', 'bin', 'tsc');
  const { stdout } = await run(process.execPath, [compiler, '-p', folder]).catch(
    (error: { stdout: string }) => error,
  );
  return stdout;
}

const ASK = `
export async function ask(): Promise<string> {
  const { data, error } = await createTurnwise('http://127.0.0.1:8000').POST('/api/chat', {
    body: { message: 'hello', conversation_id: 'typed' },
  });
`;

promise(
  'client.typed',
  'the client made from the API document compiles, and a wrong route, field or error code does not',
  async () => {
    const rest = `  if (error?.error.code === 'session_busy') return 'busy';
  return data?.reply ?? '';
}`;
    expect(await compile(ASK + rest)).toBe('');
    expect(await compile(ASK + rest.replace('session_busy', 'sesion_busy'))).toMatch(
      /sesion_busy.*no overlap/s,
    );
    // The code exists, but not on this route.
    expect(await compile(ASK + rest.replace('session_busy', 'session_not_found'))).toContain('no overlap');
    expect(await compile(ASK + rest.replace('data?.reply', 'data?.answer'))).toContain(
      "'answer' does not exist",
    );
    expect(await compile(ASK.replace('message:', 'text:') + rest)).toContain("'text' does not exist");
    expect(await compile(ASK.replace('/api/chat', '/api/talk') + rest)).toContain('/api/talk');
  },
);
