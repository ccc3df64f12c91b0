import { beforeAll, expect } from 'vitest';
import { chat } from '../../testkit/http/http.ts';
import type { Step } from '../../testkit/model/model-script.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import { saidIn } from '../../testkit/server/api.ts';
import { type Deployment, replicaOf, startDeployment } from '../../testkit/server/deployment.ts';
import type { Replica } from '../../testkit/server/replica.ts';
import { promise } from './promises.ts';

let deployment: Deployment;
let replica: Replica;

beforeAll(async () => {
  deployment = await startDeployment(1, { MAX_OUTPUT_BYTES: '20000', MODEL_MAX_RETRIES: '0' });
  replica = replicaOf(deployment, 0);
  await chat(replica, 'warm', 'up');
});

promise(
  'model.endless-event',
  'an endless event, made of lines that end, is model_error, and its call is aborted',
  async () => {
    const noEnd = async function* (): AsyncGenerator<Step> {
      for (let sent = 0; sent < 200; sent += 1) yield { raw: 'data: aaaa\n'.repeat(2000) };
      yield { hang: true };
    };
    deployment.model.reply((request) =>
      request.messages.at(-1)?.content === 'event' ? noEnd() : echo(request),
    );
    const answer = await chat(replica, 'event', 'event');
    expect(answer).toMatchObject({ status: 502, body: { error: { code: 'model_error' } } });
    await deployment.model.requests.at(-1)?.whenAborted;
    expect((await chat(replica, 'event', 'again')).status).toBe(200);
  },
);

promise(
  'model.half-pairs',
  'characters that a model splits in two arrive whole, and half of one never does',
  async () => {
    const pieces = ['a\ud83d', '\ude00b', '', 'c\ud83d'];
    deployment.model.reply((request) =>
      request.messages.at(-1)?.content === 'halves'
        ? pieces.map((content): Step => ({ chunk: { choices: [{ index: 0, delta: { content } }] } }))
        : echo(request),
    );
    expect((await chat(replica, 'halves', 'halves')).body.reply).toBe('a😀bc');
    expect(await saidIn(replica, 'halves')).toEqual(['halves', 'a😀bc']);
  },
);
