import { afterAll, beforeAll, expect, vi } from 'vitest';
import { textDeltas } from '../../testkit/model/scripted-model.ts';
import { type Deployment, historyOf, replicaOf, startDeployment } from '../../testkit/server/deployment.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { processPromise } from './promises.ts';
import { ThreadAgent } from './thread-agent.ts';

let deployment: Deployment;
// The client prints every run that failed.
const printed = vi.spyOn(console, 'error').mockImplementation(() => undefined);

beforeAll(async () => {
  deployment = await startDeployment(1, { TURN_MAX_ATTEMPTS: '3' });
});
afterAll(() => printed.mockRestore());

const untilHalf = (agent: ThreadAgent) =>
  waitFor(() => agent.said.at(-1) === 'assistant: half', { what: 'half of the answer' });

processPromise(
  'agui.takeover',
  'when the replica that runs a turn is killed in mid-answer, every reader has the new answer once: one that connected, one that sent the run again, and the one that was cut',
  async () => {
    const gate = deployment.model.gate();
    let calls = 0;
    deployment.model.reply(() => {
      calls += 1;
      return calls === 1 ? [{ delta: 'half' }, { wait: gate }] : textDeltas('a whole answer');
    });
    const survivor = replicaOf(deployment, 0);
    const dying = await deployment.another();
    const question = { id: 'question', role: 'user', content: 'hello' } as const;
    const more = { headers: { 'idempotency-key': 'one' }, initialMessages: [question] };
    const own = new ThreadAgent(dying, 'taken-over', more);
    const run = own.runAgent({ runId: 'mine' }).catch((error: unknown) => error);
    await untilHalf(own);
    const connected = new ThreadAgent(survivor, 'taken-over');
    const again = new ThreadAgent(survivor, 'taken-over', more);
    const reading = [connected.connectAgent(), again.runAgent({ runId: 'mine' })];
    await Promise.all([untilHalf(connected), untilHalf(again)]);
    await dying.kill();
    expect(await run).toBeInstanceOf(Error);
    own.url = `${survivor.url}/api/ag-ui`;
    reading.push(own.connectAgent());
    await Promise.all(reading);
    const said = ['user: hello', 'assistant: a whole answer'];
    expect([connected.said, again.said, await historyOf(survivor, 'taken-over')]).toEqual([said, said, said]);
    for (const agent of [connected, again]) {
      expect(agent.types.filter((type) => type === 'RUN_STARTED')).toHaveLength(1);
      expect(agent.heard.at(-1)).toMatchObject({ type: 'RUN_FINISHED', runId: 'mine' });
      expect(agent.messages.map(({ id }) => id)).toEqual(connected.messages.map(({ id }) => id));
    }
    // The turn may have ended before it came back: then it is 204, and the history has the answer.
    expect(own.response?.status === 204 ? said : own.said).toEqual(said);
  },
);

processPromise(
  'agui.takeover.drain',
  'a replica that shuts down ends a run with RUN_ERROR, and the run is read to its end on another replica',
  async () => {
    const gate = deployment.model.gate();
    deployment.model.reply(() => [{ delta: 'half' }, { wait: gate }, { delta: ' and half' }]);
    const leaving = await deployment.another({ SHUTDOWN_GRACE_SECONDS: '0' });
    const agent = new ThreadAgent(leaving, 'drained');
    const run = agent.say('hello');
    await untilHalf(agent);
    leaving.term();
    await run;
    expect(agent.heard.at(-1)).toMatchObject({ type: 'RUN_ERROR', code: 'draining' });
    agent.url = `${replicaOf(deployment, 0).url}/api/ag-ui`;
    agent.heard.length = 0;
    const again = agent.connectAgent();
    await waitFor(() => agent.types.includes('RUN_STARTED'), { what: 'the run on the other replica' });
    gate.open();
    await again;
    expect(agent.said).toEqual(['user: hello', 'assistant: half and half']);
  },
);
