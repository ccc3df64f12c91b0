import { readConfig } from '../config/read-config.ts';
import { failureLog } from '../telemetry/failure-log.ts';
import { makeLogger } from '../telemetry/logger.ts';
import { makeReplicaId, wireWorker } from './wiring.ts';

/** `worker`: only the background jobs, until SIGTERM or SIGINT; for replicas with WORKER=off beside it. */
export function work(environment: NodeJS.ProcessEnv): void {
  const config = readConfig(environment);
  const logger = makeLogger(config.LOG_LEVEL, makeReplicaId());
  const worker = wireWorker(config, logger, failureLog(logger));
  logger.info('working on background jobs');
  let isLeaving = false;
  const leave = (signal: NodeJS.Signals) => {
    if (isLeaving) process.exit(1);
    isLeaving = true;
    logger.info({ signal }, 'shutting down');
    void worker.close().finally(() => process.exit(0));
  };
  process.on('SIGTERM', leave);
  process.on('SIGINT', leave);
}
