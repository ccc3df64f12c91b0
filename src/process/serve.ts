import { readConfig } from '../config/read-config.ts';
import { makeLogger } from '../telemetry/logger.ts';
import { giveBackWhenIdle } from './idle-memory.ts';
import { openReplica } from './open-replica.ts';
import { shutDownOnSignal } from './shutdown.ts';
import { makeReplicaId, wireWorker } from './wiring.ts';

/** `serve`: one replica, until SIGTERM or SIGINT. */
export async function serve(environment: NodeJS.ProcessEnv): Promise<void> {
  const config = readConfig(environment, { model: true, listener: true });
  const replicaId = makeReplicaId();
  const logger = makeLogger(config.LOG_LEVEL, replicaId);
  if (config.AUTH === 'none') {
    logger.warn('AUTH=none: whoever reaches this server can read and write every conversation');
  }
  if (config.DEMO_MODEL) logger.warn('DEMO_MODEL=true: answers come from the built-in demo model');
  const open = await openReplica(config, logger, {
    replicaId,
    otherFormat: (error) => {
      logger.fatal(error.message);
      process.exit(1);
    },
  });
  await open.app.listen({ host: config.HOST, port: config.PORT });
  giveBackWhenIdle(open.replica.live);
  const worker =
    config.WORKER === 'inline' ? wireWorker(config, logger, open.replica.observer.failed) : undefined;
  shutDownOnSignal(
    { ...open, stopWorker: async () => worker?.close() },
    { delayMs: config.SHUTDOWN_DELAY_SECONDS * 1000, graceMs: config.SHUTDOWN_GRACE_SECONDS * 1000 },
  );
}
