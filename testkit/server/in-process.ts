import type { AddressInfo } from 'node:net';
import { readConfig } from '../../src/config/read-config.ts';
import type { Door } from '../../src/http/door/dialect.ts';
import { DOORS } from '../../src/http/doors.ts';
import { openReplica } from '../../src/process/open-replica.ts';
import { shutDown } from '../../src/process/shutdown.ts';
import { makeLogger } from '../../src/telemetry/logger.ts';
import { call } from '../http/http.ts';
import { whenLeftOver } from '../process/left-overs.ts';
import { waitFor } from '../wait-for.ts';
import { type Replica, type ReplicaOptions, settingsOf } from './replica.ts';

/** A replica in this process, from the sources: needs no build, and cannot be killed or paused. */
export async function startInProcess(
  options: ReplicaOptions,
  doors: readonly Door[] = DOORS,
): Promise<Replica> {
  const config = readConfig(settingsOf(options, options.port ?? 0), { model: true, listener: true });
  let log = '';
  const logger = makeLogger(config.LOG_LEVEL, 'in-process', {
    write: (line: string) => {
      log += line;
    },
  });
  const otherFormat = (error: Error) => logger.fatal(error.message);
  const open = await openReplica(config, logger, { otherFormat, doors });
  await open.app.listen({ host: '127.0.0.1', port: config.PORT });
  const { port } = open.app.server.address() as AddressInfo;
  const exited = Promise.withResolvers<number | null>();
  let isEnding = false;
  const end = async (graceMs: number) => {
    if (isEnding) return;
    isEnding = true;
    await shutDown({ ...open, stopWorker: async () => {} }, { delayMs: 0, graceMs });
    forget();
    exited.resolve(0);
  };
  const forget = whenLeftOver(() => end(0));
  const url = `http://127.0.0.1:${port}`;
  const path = options.until === 'live' ? '/livez' : '/readyz';
  await waitFor(async () => (await call(url, 'GET', path)).status === 200, {
    timeoutMs: 5000,
    what: `${path} of a replica to be 200`,
  });
  return {
    url,
    port,
    exited: exited.promise,
    output: () => log,
    term: () => void end(config.SHUTDOWN_GRACE_SECONDS * 1000),
    get pid() {
      return needsProcess();
    },
    kill: needsProcess,
    pause: needsProcess,
    resume: needsProcess,
  };
}

function needsProcess(): never {
  throw new Error('this replica runs in the process of the test; such a test belongs to another layer');
}
