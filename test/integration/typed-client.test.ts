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

const ASK = `import { createTurnwise } from './index.ts';
export async function ask(): Promise<string> {
  const { data, error } = await createTurnwise('http://127.0.0.1:8000').POST('/api/chat', {
    body: { message: 'hello', conversation_id: 'typed' },
  });
  if (error?.error.code === 'session_busy') return 'busy';
  return data?.reply ?? '';
}
`;

/** Programs with one mistake each, and what the compiler is to say. */
const WRONG: readonly { readonly from: string; readonly to: string; readonly says: string }[] = [
  { from: 'session_busy', to: 'sesion_busy', says: 'no overlap' },
  // The code exists, but not on this route.
  { from: 'session_busy', to: 'session_not_found', says: 'no overlap' },
  { from: 'data?.reply', to: 'data?.answer', says: "'answer' does not exist" },
  { from: 'message:', to: 'text:', says: "'text' does not exist" },
  { from: '/api/chat', to: '/api/talk', says: '/api/talk' },
];

promise(
  'client.typed',
  'the client made from the API document compiles, and a wrong route, field or error code does not',
  async () => {
    writeFileSync(path.join(folder, 'right.ts'), ASK);
    WRONG.forEach(({ from, to }, index) => {
      writeFileSync(path.join(folder, `wrong-${index}.ts`), ASK.replace(from, to));
    });
    const compiler = path.join(client, 'node_modules', 'typescript', 'bin', 'tsc');
    const compiled = await run(process.execPath, [compiler, '-p', folder], { cwd: folder }).catch(
      (error: { stdout: string }) => error,
    );
    const said = (file: string) => compiled.stdout.split(/^(?=\w)/m).filter((one) => one.startsWith(file));
    expect(compiled.stdout.split(/^(?=\w)/m).filter((one) => !one.startsWith('wrong-'))).toEqual([]);
    WRONG.forEach(({ says }, index) => {
      expect([index, said(`wrong-${index}.ts`).join('')]).toEqual([index, expect.stringContaining(says)]);
    });
  },
);
