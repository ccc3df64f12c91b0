import { beforeAll, beforeEach, expect } from 'vitest';
import { call } from '../../testkit/http/http.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import { type Deployment, historyOf, replicaOf, startDeployment } from '../../testkit/server/deployment.ts';
import type { Replica } from '../../testkit/server/replica.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { uiChat } from '../support/ui-chat.ts';
import { promise } from './promises.ts';

let deployment: Deployment;
let [one, other]: [Replica, Replica] = [] as never;

beforeAll(async () => {
  deployment = await startDeployment(2, { OPENAI_MODEL: 'first,second' });
  [one, other] = [replicaOf(deployment, 0), replicaOf(deployment, 1)];
});
beforeEach(() => deployment.model.reply(echo));

const asked = () => deployment.model.requests.length;
const post = (body: object, at = one) =>
  call<{ error?: { code: string; message: string } }>(at.url, 'POST', '/api/ui/chat', body);
const user = (text: string, more: object = {}) => ({
  role: 'user',
  parts: [{ type: 'text', text }],
  ...more,
});

promise(
  'ui.regenerate',
  'regenerate replaces the last answer in one commit; an edit, and an earlier answer, are refused by name',
  async () => {
    const { chat, text } = uiChat(one, 'ui-again');
    await chat.sendMessage({ text: 'one' });
    const first = chat.lastMessage?.id;
    await chat.sendMessage({ text: 'two' });
    deployment.model.reply(() => [{ delta: 'better' }]);
    await chat.regenerate();
    expect(text()).toBe('better');
    expect(await historyOf(other, 'ui-again')).toEqual([
      ...['user: one', 'assistant: echo:one', 'user: two', 'assistant: better'],
    ]);
    const before = asked();
    const refused = [
      { id: 'ui-again', trigger: 'regenerate-message', messageId: first, messages: [user('one')] },
      {
        id: 'ui-again',
        trigger: 'submit-message',
        messageId: 'u1',
        messages: [user('edited', { id: 'u1' })],
      },
    ];
    for (const body of refused) {
      const reply = await post(body);
      expect([reply.status, reply.body.error?.message]).toEqual([400, expect.stringContaining('messageId')]);
    }
    expect(asked()).toBe(before);
  },
);

promise(
  'ui.regenerate.running',
  'regenerate of a question that is still being answered waits for that answer and replaces it, so it is asked once',
  async () => {
    const gate = deployment.model.gate();
    deployment.model.reply(() => [{ delta: 'half' }, { wait: gate }]);
    const { chat, text } = uiChat(one, 'ui-impatient');
    const sent = chat.sendMessage({ text: 'hello' });
    await waitFor(() => text() === 'half', { what: 'the first piece' });
    // Only the client stops.
    await Promise.all([chat.stop(), sent]);
    deployment.model.reply(() => [{ delta: 'better' }]);
    const again = await fetch(`${other.url}/api/ui/chat`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-turnwise-events': 'queued' },
      body: JSON.stringify({
        ...{ id: 'ui-impatient', trigger: 'regenerate-message', messageId: chat.lastMessage?.id },
        message: chat.messages[0],
      }),
    });
    expect(again.status).toBe(200);
    gate.open();
    expect(await again.text()).toContain('better');
    expect(await historyOf(one, 'ui-impatient')).toEqual(['user: hello', 'assistant: better']);
  },
);

promise(
  'ui.try-again',
  'regenerate after an error asks the question that failed, and leaves the turn before it alone',
  async () => {
    for (const answered of [[], ['user: one', 'assistant: echo:one']]) {
      const { chat, text } = uiChat(one, `ui-failed-${answered.length}`);
      deployment.model.reply(echo);
      if (answered.length > 0) await chat.sendMessage({ text: 'one' });
      deployment.model.reply(() => [{ delta: 'half' }, { destroySocket: true }]);
      await chat.sendMessage({ text: 'two' });
      expect(chat.status).toBe('error');
      deployment.model.reply(echo);
      await chat.regenerate();
      expect([text(), chat.status]).toEqual(['echo:two', 'ready']);
      expect(await historyOf(other, chat.id)).toEqual([...answered, 'user: two', 'assistant: echo:two']);
    }
  },
);
