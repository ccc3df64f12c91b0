// Makes the types of the client in client/ from the API document of a running server.
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './setup/run.mjs';

const HELP = `Makes client/openapi.d.ts from the API document of a running server.

  npm run client                              from http://127.0.0.1:8000
  npm run client -- http://HOST:PORT          from another one
  npm run client -- --out FILE                into another file
`;

// It needs the TypeScript of its own workspace.
const requireOfClient = createRequire(path.join(root, 'client', 'package.json'));

async function main() {
  const { values, positionals } = parseArgs({
    options: { out: { type: 'string' }, help: { type: 'boolean' } },
    allowPositionals: true,
  });
  if (values.help) return console.log(HELP);
  const server = positionals[0] ?? 'http://127.0.0.1:8000';
  const out = values.out ?? path.join(root, 'client', 'openapi.d.ts');
  const { default: openapiTs, astToString } = requireOfClient('openapi-typescript');
  const reply = await fetch(new URL('/openapi.json', server));
  if (!reply.ok) throw new Error(`${server} replied ${reply.status}`);
  writeFileSync(out, astToString(await openapiTs(await reply.json())));
  console.log(`client: wrote ${path.relative(process.cwd(), out)}`);
}

main().catch((error) => {
  console.error(`client: ${error.message}${error.cause ? ` (${error.cause.message})` : ''}`);
  process.exitCode = 1;
});
