import { beforeAll, expect } from 'vitest';
import { textDeltas } from '../../testkit/model/scripted-model.ts';
import { type Deployment, historyOf, replicaOf, startDeployment } from '../../testkit/server/deployment.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { uiChat } from '../support/ui-chat.ts';
import { processPromise } from './promises.ts';

let deployment: Deployment;

beforeAll(async () => {
  deployment = await startDeployment(1, { TURN_MAX_ATTEMPTS: '3' });
});

processPromise(
  'ui.takeover',
  'when the replica is killed in mid-answer, readers elsewhere drop what it said and show the new answer, as one message',
  async () => {
    const gate = deployment.model.gate();
    let calls = 0;
    deployment.model.reply(() => {
      calls += 1;
      return calls === 1 ? [{ delta: 'half' }, { wait: gate }] : textDeltas('a whole answer');
    });
    const survivor = replicaOf(deployment, 0);
    const dying = await deployment.another();
    const own = uiChat(dying, 'ui-killed');
    const sent = own.chat.sendMessage({ text: 'hello' });
    await waitFor(() => own.text() === 'half', { what: 'half of the answer' });
    const reloaded = uiChat(survivor, 'ui-killed', { messages: own.chat.messages.slice(0, 1) });
    const resumed = reloaded.chat.resumeStream();
    await waitFor(() => reloaded.text() === 'half', { what: 'the same elsewhere' });
    await dying.kill();
    await Promise.all([sent, resumed]);
    expect(own.chat.status).toBe('error');
    expect(reloaded.chat.lastMessage?.parts).toMatchObject([
      { type: 'step-start' },
      { type: 'text', text: 'a whole answer', state: 'done' },
    ]);
    expect(await historyOf(survivor, 'ui-killed')).toEqual(['user: hello', 'assistant: a whole answer']);
  },
);
