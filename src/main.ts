import { runProgram } from './cli/program.ts';

const LEAST_NODE_MAJOR = 24;

const major = Number(process.versions.node.split('.')[0]);
if (major < LEAST_NODE_MAJOR) {
  process.stderr.write(
    `Turnwise needs Node ${LEAST_NODE_MAJOR} or later; this is ${process.versions.node}.\n` +
      'Run it by an npm script, or write `npx node` for `node`.\n',
  );
  process.exit(2);
}

await runProgram(process.argv, process.env);
