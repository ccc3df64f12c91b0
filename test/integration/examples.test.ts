import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, expect } from 'vitest';
import { echo } from '../../testkit/model/scripted-model.ts';
import { type Deployment, historyOf, replicaOf, startDeployment } from '../../testkit/server/deployment.ts';
import type { Replica } from '../../testkit/server/replica.ts';
import { promise } from './promises.ts';

const run = promisify(execFile);

let deployment: Deployment;
let replica: Replica;

beforeAll(async () => {
  deployment = await startDeployment(1, { OPENAI_MODEL: 'demo' });
  deployment.model.reply(echo);
  replica = replicaOf(deployment, 0);
});

promise(
  'examples.run',
  'the examples with curl, fetch and OpenAI’s package run as they are and show the answers',
  async () => {
    const curl = await run('examples/curl.sh', [replica.url, 'by-curl']);
    expect(curl.stdout).toContain('"reply":"echo:What is my name?"');
    expect(curl.stdout).toContain('event: done');
    expect(await historyOf(replica, 'by-curl')).toHaveLength(6);
    const fetched = await run(process.execPath, ['examples/fetch.mjs', replica.url, 'by-fetch']);
    expect(fetched.stdout).toBe('echo:My name is Ada (2 messages)\n');
    const openai = await run(process.execPath, ['examples/openai.mjs', replica.url, 'demo']);
    expect(openai.stdout.trim().split('\n')).toEqual([
      'responses: echo:What is my name?',
      ...['user: My name is Ada', 'assistant: echo:My name is Ada'],
      ...['user: What is my name?', 'assistant: echo:What is my name?'],
      'chat completions: echo:My name is Ada',
    ]);
  },
);
