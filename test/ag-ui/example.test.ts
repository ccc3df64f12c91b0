import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { echo } from '../../testkit/model/scripted-model.ts';
import { startChild } from '../../testkit/process/child.ts';
import { historyOf, replicaOf, startDeployment } from '../../testkit/server/deployment.ts';
import { promise } from './promises.ts';

const script = fileURLToPath(new URL('../../examples/ag-ui/run.mjs', import.meta.url));

promise(
  'agui.example',
  'examples/ag-ui/run.mjs runs twice, answers a call, and has the whole answer after it lost its connection',
  async () => {
    const deployment = await startDeployment(1, { MODEL_MAX_RETRIES: '0' });
    const clock = { index: 0, id: 'call_1', type: 'function', function: { name: 'clock', arguments: '{}' } };
    const gate = deployment.model.gate();
    deployment.model.reply((request) => {
      const last = request.messages.at(-1);
      if (last?.role === 'tool') return [{ delta: 'It is late.' }];
      if (last?.content === 'What is my name?') {
        return [
          { chunk: { choices: [{ index: 0, delta: { tool_calls: [clock] } }] } },
          { finish: 'tool_calls' },
        ];
      }
      return last?.content === 'Say my name once more'
        ? [{ delta: 'A' }, { wait: gate }, { delta: 'da' }]
        : echo(request);
    });
    const replica = replicaOf(deployment, 0);
    const child = startChild(process.execPath, [script, replica.url, 'example']);
    await gate.reached;
    gate.open();
    expect(await child.exited).toBe(0);
    const answers = child
      .output()
      .split('\n')
      .filter((line) => line.startsWith('assistant: '));
    expect(answers.slice(0, 1)).toEqual(['assistant: echo:My name is Ada']);
    expect(answers.at(-2)).toBe('assistant: It is late.');
    const history = await historyOf(replica, 'example');
    expect(history.at(-1)).toBe('assistant: Ada');
    expect(history).toHaveLength(8);
  },
);
