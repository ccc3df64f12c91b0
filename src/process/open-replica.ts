import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { Config } from '../config/read-config.ts';
import { buildApp } from '../http/app.ts';
import type { Door } from '../http/door/dialect.ts';
import { inspect } from './inspection.ts';
import { makeReplicaId, type Replica, wireReplica } from './wiring.ts';

/** A replica with its routes that takes over turns of dead ones; not yet listening. */
export interface OpenReplica {
  readonly replica: Replica;
  readonly app: FastifyInstance;
  stopRecovery(): void;
}

export interface OpenOptions {
  readonly replicaId?: string;
  /** In place of the default ones. */
  readonly doors?: readonly Door[];
  /** The keys in Redis have another layout than this version knows: the replica must stop. */
  otherFormat(error: Error): void;
}

/** Replicas look for turns of dead ones this often, jittered so that they do not all look at once. */
const RECOVER_EVERY_MS = 1000;

/** Opens connections and looks for turns of dead replicas, but does not listen yet. */
export async function openReplica(
  config: Config,
  logger: Logger,
  { replicaId = makeReplicaId(), otherFormat, doors }: OpenOptions,
): Promise<OpenReplica> {
  const replica = wireReplica(config, replicaId, logger, otherFormat);
  const app = await buildApp(
    {
      conversations: replica.conversations,
      settings: replica.httpSettings,
      inspection: inspect(replica),
      rate: replica.redis.rate,
      streamsOpen: (count) => replica.metrics.openStreams.set(count),
    },
    logger,
    doors,
  );
  countRequests(app, replica);
  return { replica, app, stopRecovery: recoverNowAndThen(replica) };
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

/** @returns stops it */
function recoverNowAndThen(replica: Replica): () => void {
  const stopped = new AbortController();
  const loop = async () => {
    while (!stopped.signal.aborted) {
      await sleep(RECOVER_EVERY_MS * (0.75 + Math.random() / 2));
      if (!stopped.signal.aborted && !replica.live.isDraining) await replica.recovery.look();
    }
  };
  void loop();
  return () => stopped.abort();
}
