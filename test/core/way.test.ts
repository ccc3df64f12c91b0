import { expect } from 'vitest';
import { replicaOf, say, startDeployment } from '../../testkit/server/deployment.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { readSource } from '../support/source-files.ts';
import { filesUsedByEach } from '../support/way.ts';
import { promise } from './promises.ts';

promise(
  'way.files',
  'the reading order of docs/architecture.md names exactly the files that run while a message is answered',
  async () => {
    const deployment = await startDeployment(1);
    const replica = replicaOf(deployment, 0);
    for (const message of ['first', 'second']) await (await say(replica, 'way', message)).all();
    const used = await filesUsedByEach(5, async () => {
      const gate = deployment.model.gate();
      deployment.model.reply(() => [{ delta: 'one' }, { wait: gate }, { delta: 'two' }]);
      const reader = await say(replica, 'way', 'next');
      await reader.until('delta');
      const log = `turnwise:{-/way}:log:${reader.headers['x-turn-id']}`;
      await waitFor(async () => Number(await deployment.redis.ask('XLEN', log)) > 0, {
        what: 'a batch in the log',
      });
      gate.open();
      await reader.all();
    });
    const [, order = ''] = readSource('docs/architecture.md').text.split('## Reading order');
    const named = [...order.matchAll(/^\d+\. `(src\/[\w/-]+\.ts)`/gm)].map(([, path = '']) => path);
    expect(named.toSorted()).toEqual(used);
  },
);
