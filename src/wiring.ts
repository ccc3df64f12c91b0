import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { Config } from './config.ts';
import { ContextWindows } from './conversation/context-windows.ts';
import type { TurnDeps, TurnLimits } from './conversation/deps.ts';
import { LiveTurns } from './conversation/live-turns.ts';
import type { Notice, Observer, TurnRef } from './conversation/ports.ts';
import { TurnRecovery } from './conversation/turn-recovery.ts';
import type { HttpSettings } from './http/http-deps.ts';
import { reconcile } from './jobs/reconcile.ts';
import { type JobWorker, startWorker } from './jobs/worker.ts';
import { OpenAiModel } from './model/openai.ts';
import { tokenCounter } from './model/tokens.ts';
import { modelSettings } from './model-settings.ts';
import { connect } from './redis/connect.ts';
import { refuseOtherFormat } from './redis/format.ts';
import { makeKeys } from './redis/keys.ts';
import { RedisReconcileStore } from './redis/reconcile-store.ts';
import { openRedisRoom, type RedisRoom } from './redis/redis-room.ts';
import { defineScripts } from './redis/scripts.ts';
import { redisPlace, repairSettings } from './redis-settings.ts';
import { failureLog } from './telemetry/failure-log.ts';
import { Metrics } from './telemetry/metrics.ts';

/**
 * One replica, put together but not yet serving. The rooms meet only in files at the root of `src/`: here for a
 * replica and a worker, in `operator.ts` for the commands.
 */
export interface Replica {
  readonly replicaId: string;
  readonly turns: TurnDeps;
  readonly recovery: TurnRecovery;
  readonly redis: RedisRoom;
  readonly model: OpenAiModel;
  readonly metrics: Metrics;
  readonly httpSettings: HttpSettings;
}

export function makeReplicaId(): string {
  return `r${randomBytes(8).toString('hex')}`;
}

export function wireReplica(config: Config, replicaId: string, logger: Logger): Replica {
  const live = new LiveTurns(config.MAX_TURNS);
  const metrics = new Metrics(() => live.size);
  const observer = makeObserver(logger, metrics);
  const redis = openRedisRoom(
    { place: redisPlace(config), keyPrefix: config.KEY_PREFIX, replicaId, ...storeSettings(config) },
    {
      noticed: (notice: Notice) => {
        if (notice.kind === 'orphans') void recovery.look();
        else live.notice(notice);
      },
      missed: () => live.wakeAll(),
      failed: (what, error) => observer.failed(what, error),
    },
  );
  const model = new OpenAiModel({
    ...modelSettings(config),
    maxRetries: config.MODEL_MAX_RETRIES,
    found: (need) => logger.warn({ need }, 'the model server needs this; it is remembered'),
  });
  const turns: TurnDeps = {
    replicaId,
    admission: redis.admission,
    queue: redis.queue,
    store: redis.turns,
    takeover: redis.takeover,
    sessions: redis.sessions,
    lock: redis.lock,
    log: redis.log,
    model,
    counter: tokenCounter,
    live,
    windows: new ContextWindows(),
    limits: turnLimits(config),
    observer,
    newTurnId: makeTurnIds(replicaId),
  };
  const recovery = new TurnRecovery(turns);
  return { replicaId, turns, recovery, redis, model, metrics, httpSettings: httpSettings(config) };
}

/** The worker on background jobs, on connections of its own. */
export function wireWorker(
  config: Config,
  logger: Logger,
  failed: (what: string, error: unknown) => void,
): JobWorker {
  const keys = makeKeys(config.KEY_PREFIX);
  // BullMQ hears of this client's errors as well, and tells.
  const client = connect(redisPlace(config), 'jobs', () => {});
  defineScripts(client);
  const store = new RedisReconcileStore(client, keys, repairSettings(config));
  return startWorker({
    connection: client,
    disconnect: () => client.disconnect(),
    prefix: keys.jobs,
    reconcileEveryMs: config.RECONCILE_INTERVAL_SECONDS * 1000,
    reconcile: async (signal) => {
      await refuseOtherFormat(client, keys);
      return reconcile(store, { isDryRun: false, signal });
    },
    reconciled: ({ skipped, ...counts }, job) => {
      logger.info({ job, ...counts }, 'reconciled');
    },
    failed,
  });
}

/** A random beginning per process and a counter: as unique as random ids, at a fiftieth of their price. */
function makeTurnIds(replicaId: string): () => string {
  let count = 0;
  return () => {
    count += 1;
    return `t${replicaId.slice(1)}${count.toString(36).padStart(6, '0')}`;
  };
}

function makeObserver(logger: Logger, metrics: Metrics): Observer {
  const warn = failureLog(logger);
  return {
    turnEnded: (_turn, outcome, durationMs) => {
      metrics.turnsEnded.inc({ outcome });
      if (durationMs !== null) metrics.turnSeconds.observe({ outcome }, durationMs / 1000);
    },
    failed: (what, error, turn?: TurnRef) => {
      metrics.failures.inc({ what });
      warn(what, error, turn && { session: turn.session.conversationId, turn: turn.turnId });
    },
  };
}

function storeSettings(config: Config) {
  return {
    historyCacheBytes: config.HISTORY_CACHE_BYTES,
    countsReaders: config.ON_DISCONNECT === 'cancel',
    turnsPerMinute: config.RATE_LIMIT_PER_MINUTE,
    sessionTtlMs: config.SESSION_TTL_SECONDS * 1000,
    logTtlMs: config.TURN_LOG_TTL_SECONDS * 1000,
    leaseMs: config.LOCK_TTL_MS,
    queueMax: config.QUEUE_MAX,
    maxMessages: config.SESSION_MAX_MESSAGES,
    maxMessageBytes: config.MAX_MESSAGE_BYTES,
    maxAttempts: config.TURN_MAX_ATTEMPTS,
    maxTotalMs: config.TURN_MAX_TOTAL_SECONDS * 1000,
  };
}

function turnLimits(config: Config): TurnLimits {
  return {
    systemPrompt: config.SYSTEM_PROMPT,
    contextTokens: config.CONTEXT_TOKENS,
    lockTtlMs: config.LOCK_TTL_MS,
    sessionTtlMs: config.SESSION_TTL_SECONDS * 1000,
    turnMaxMs: config.TURN_MAX_SECONDS * 1000,
    turnMaxTotalMs: config.TURN_MAX_TOTAL_SECONDS * 1000,
    maxAttempts: config.TURN_MAX_ATTEMPTS,
    maxMessageBytes: config.MAX_MESSAGE_BYTES,
    maxOutputBytes: config.MAX_OUTPUT_BYTES,
    firstTokenTimeoutMs: config.MODEL_FIRST_TOKEN_TIMEOUT_MS,
    idleTimeoutMs: config.MODEL_IDLE_TIMEOUT_MS,
    queueWaitMs: config.QUEUE_WAIT_SECONDS * 1000,
    onBusy: config.ON_BUSY,
    onDisconnect: config.ON_DISCONNECT,
  };
}

function httpSettings(config: Config): HttpSettings {
  return {
    maxBodyBytes: config.MAX_BODY_BYTES,
    maxStreams: config.MAX_STREAMS,
    trustProxy: config.TRUST_PROXY,
    corsOrigins: config.CORS_ORIGINS,
    model: config.OPENAI_MODEL?.[0] ?? null,
    isDemoModel: config.DEMO_MODEL,
  };
}
