import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { buildApp } from './app.ts';
import { readConfig } from './config.ts';
import { inspect } from './inspection.ts';
import { checkFormat } from './redis/format.ts';
import { shutDownOnSignal } from './shutdown.ts';
import { makeLogger } from './telemetry/logger.ts';
import { makeReplicaId, type Replica, wireReplica, wireWorker } from './wiring.ts';

/** Dead replicas' turns are looked for this often, give or take, so that replicas do not look all at once. */
const RECOVER_EVERY_MS = 1000;

/** `serve`: one replica, until SIGTERM or SIGINT. */
export async function serve(environment: NodeJS.ProcessEnv): Promise<void> {
  const config = readConfig(environment, { model: true, listener: true });
  const replicaId = makeReplicaId();
  const logger = makeLogger(config.LOG_LEVEL, replicaId);
  if (config.AUTH === 'none') {
    logger.warn('AUTH=none: whoever reaches this server can read and write every conversation');
  }
  if (config.DEMO_MODEL) logger.warn('DEMO_MODEL=true: answers come from the built-in demo model');
  const replica = wireReplica(config, replicaId, logger);
  // Before anything is awaited: the first connection must not be ready unheard.
  refuseOtherFormats(replica, (found) => {
    logger.fatal({ found }, 'the keys in Redis have another layout than this version knows');
    process.exit(1);
  });
  const app = await buildApp(
    {
      turns: replica.turns,
      settings: replica.httpSettings,
      inspection: inspect(replica),
      rate: replica.redis.rate,
      streamsOpen: (count) => replica.metrics.openStreams.set(count),
    },
    logger,
  );
  countRequests(app, replica);
  const stopRecovery = recoverNowAndThen(replica);
  await app.listen({ host: config.HOST, port: config.PORT });
  const worker =
    config.WORKER === 'inline' ? wireWorker(config, logger, replica.turns.observer.failed) : undefined;
  shutDownOnSignal(
    { app, replica, stopRecovery, stopWorker: async () => worker?.close() },
    { delayMs: config.SHUTDOWN_DELAY_SECONDS * 1000, graceMs: config.SHUTDOWN_GRACE_SECONDS * 1000 },
  );
}

function countRequests(app: FastifyInstance, replica: Replica): void {
  app.addHook('onResponse', async (request, reply) => {
    replica.metrics.httpRequests.inc({
      route: request.routeOptions.url ?? 'none',
      method: request.method,
      status: reply.statusCode,
    });
  });
}

function refuseOtherFormats(replica: Replica, refuse: (found: string) => void): void {
  const { client, keys } = replica.redis;
  const check = () =>
    checkFormat(client, keys).then(
      (format) => {
        if (format !== 'ours') refuse(format.found);
      },
      // Redis is away or full: asked again at the next connection.
      () => {},
    );
  client.on('ready', check);
}

/** @returns stops it */
function recoverNowAndThen(replica: Replica): () => void {
  const stopped = new AbortController();
  const loop = async () => {
    while (!stopped.signal.aborted) {
      await sleep(RECOVER_EVERY_MS * (0.75 + Math.random() / 2));
      if (!stopped.signal.aborted && !replica.turns.live.isDraining) await replica.recovery.look();
    }
  };
  void loop();
  return () => stopped.abort();
}
