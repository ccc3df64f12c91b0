import { beforeAll, beforeEach, expect } from 'vitest';
import { call } from '../../testkit/http/http.ts';
import { callSteps } from '../../testkit/model/call-steps.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import {
  type Deployment,
  historyOf,
  replicaOf,
  say,
  startDeployment,
  turnIdOf,
} from '../../testkit/server/deployment.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { promise } from './promises.ts';
import { ThreadAgent, WEATHER } from './thread-agent.ts';

let deployment: Deployment;

beforeAll(async () => {
  deployment = await startDeployment(2, { MODEL_MAX_RETRIES: '0' });
});
beforeEach(() => deployment.model.reply(echo));

const agentAt = (replica: number, threadId: string) =>
  new ThreadAgent(replicaOf(deployment, replica), threadId);

/** The model says half of its answer, and the rest when the gate opens. */
function inHalves() {
  const gate = deployment.model.gate();
  deployment.model.reply(() => [{ delta: 'half' }, { wait: gate }, { delta: ' and half' }]);
  return gate;
}

async function untilHalf(agent: ThreadAgent): Promise<void> {
  await waitFor(() => agent.said.at(-1) === 'assistant: half', { what: 'half of the answer' });
}

promise(
  'agui.resume.cut',
  'a client that lost its connection reads its run again on another replica, with its own pipeline, and has each message once',
  async () => {
    const agent = agentAt(0, 'cut');
    await agent.say('first');
    const gate = inHalves();
    const run = agent.say('second', { runId: 'mine' });
    await untilHalf(agent);
    agent.abortRun();
    await run;
    agent.url = `${replicaOf(deployment, 1).url}/api/ag-ui`;
    agent.heard.length = 0;
    const again = agent.connectAgent();
    await waitFor(() => agent.types.includes('TEXT_MESSAGE_CONTENT'), {
      what: 'the run on the other replica',
    });
    gate.open();
    await again;
    expect(agent.heard[0]).toMatchObject({ type: 'RUN_STARTED', threadId: 'cut', runId: 'mine' });
    expect(agent.types[1]).toBe('MESSAGES_SNAPSHOT');
    expect(agent.heard.at(-1)).toMatchObject({ type: 'RUN_FINISHED', runId: 'mine' });
    const said = ['user: first', 'assistant: echo:first', 'user: second', 'assistant: half and half'];
    expect(agent.said).toEqual(said);
    expect(await historyOf(replicaOf(deployment, 0), 'cut')).toEqual(said);
    await agent.say('third');
    expect(await historyOf(replicaOf(deployment, 0), 'cut')).toHaveLength(6);
  },
);

promise(
  'agui.resume.reload',
  'a client that knows nothing gets the whole thread with the run: text, pictures, calls and their outputs, and may go on',
  async () => {
    const before = agentAt(0, 'reload');
    deployment.model.reply(({ messages }) =>
      messages.at(-1)?.role === 'tool'
        ? [{ delta: 'cold' }]
        : callSteps([{ id: 'call_1', name: 'weather', args: { city: 'Oslo' } }]),
    );
    const picture = {
      type: 'image',
      source: { type: 'data', value: 'AAAA', mimeType: 'image/png' },
    } as const;
    const content = [{ type: 'text', text: 'Weather here?' } as const, picture];
    before.addMessage({ id: 'pictured', role: 'user', content });
    await before.runAgent({ tools: [WEATHER] });
    before.answer('call_1', '-3');
    await before.runAgent({ tools: [WEATHER] });
    const gate = inHalves();
    const run = before.say('And now?');
    await untilHalf(before);
    const reloaded = agentAt(1, 'reload');
    const again = reloaded.connectAgent();
    await untilHalf(reloaded);
    gate.open();
    await Promise.all([run, again]);
    const withoutId = ({ id: _, ...message }: { id: string }) => message;
    expect(reloaded.messages.map(withoutId)).toEqual(before.messages.map(withoutId));
    // Messages of the run have the ids that they had for the client that asked.
    expect(reloaded.messages.slice(-2)).toEqual(before.messages.slice(-2));
    deployment.model.reply(echo);
    await reloaded.say('Thanks');
    expect(await historyOf(replicaOf(deployment, 0), 'reload')).toHaveLength(8);
  },
);

promise(
  'agui.resume.none',
  'a thread of which nothing runs, or which is not there, is 204; an id that is none is 400',
  async () => {
    const agent = agentAt(0, 'none');
    await agent.connectAgent();
    expect([agent.response?.status, agent.heard]).toEqual([204, []]);
    await agent.say('hello');
    agent.heard.length = 0;
    await agent.connectAgent();
    expect([agent.response?.status, agent.heard, agent.said]).toEqual([
      204,
      [],
      ['user: hello', 'assistant: echo:hello'],
    ]);
    const { status, body } = await call(replicaOf(deployment, 0).url, 'GET', '/api/ag-ui/a%20b/stream');
    expect([status, body.type, body.code]).toEqual([400, 'RUN_ERROR', 'invalid_request']);
  },
);

promise(
  'agui.resume.other-door',
  'a turn of another door is a run as well, under the id of the turn',
  async () => {
    const gate = deployment.model.gate();
    deployment.model.reply((request) => [{ wait: gate }, ...echo(request)]);
    const native = await say(replicaOf(deployment, 0), 'other-door', 'native');
    await native.until('started');
    const agent = agentAt(1, 'other-door');
    const run = agent.connectAgent();
    await waitFor(() => agent.types.includes('MESSAGES_SNAPSHOT'), { what: 'the turn of the other door' });
    gate.open();
    await run;
    expect(agent.heard[0]).toMatchObject({ runId: turnIdOf(native) });
    expect(agent.said).toEqual(['user: native', 'assistant: echo:native']);
  },
);
