// Builds the server into dist/, and the chat page with the client it uses into web/dist/.
import { cpSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root, run } from './setup/run.mjs';
import { listenForStop } from './setup/stop-signal.mjs';

process.chdir(root);
const signal = listenForStop();

// Beside dist, so that the relative paths of the source maps hold after the rename. A failed build leaves the
// old dist unchanged, and a successful one keeps nothing of files deleted from src.
const NEXT = 'dist.next';

const isFolderOrLua = (file) => statSync(file).isDirectory() || path.extname(file) === '.lua';

async function runTool(entry, args) {
  const { code } = await run(process.execPath, [path.join('node_modules', entry), ...args], { signal });
  if (code !== 0) throw new Error(`${path.basename(entry)} ended with exit code ${code}`);
}

async function build() {
  rmSync(NEXT, { recursive: true, force: true });
  await runTool('typescript/bin/tsc', ['-p', 'tsconfig.build.json', '--outDir', NEXT]);
  cpSync('src', NEXT, { recursive: true, filter: isFolderOrLua });
  await runTool('vite/bin/vite.js', ['build', 'web']);
  await runTool('vite/bin/vite.js', ['build', 'web', '--config', 'web/client.config.ts']);
  rmSync('dist', { recursive: true, force: true });
  renameSync(NEXT, 'dist');
  // quickstart compares this file with the sources to see whether a build is needed.
  writeFileSync('dist/.built', '');
}

try {
  await build();
} catch (error) {
  if (!signal.aborted) console.error(`build: ${error.message}`);
  process.exitCode = 1;
} finally {
  rmSync(NEXT, { recursive: true, force: true });
}
