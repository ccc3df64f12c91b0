import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { Config } from '../config/read-config.ts';
import { type Agent, Agents } from '../conversation/agent.ts';
import { Conversations } from '../conversation/conversations.ts';
import { LiveTurns } from '../conversation/live/live-turns.ts';
import type { Core, TurnLimits } from '../conversation/ports/core.ts';
import type { Activity, Notice, Observer } from '../conversation/ports/notices.ts';
import { ContextWindows } from '../conversation/run/context-windows.ts';
import { TurnRecovery } from '../conversation/run/turn-recovery.ts';
import type { TurnRef } from '../conversation/turn.ts';
import type { HttpSettings } from '../http/http-deps.ts';
import { OpenAiModel } from '../model/openai.ts';
import { tokenCounterFor } from '../model/tokens.ts';
import { openJobsRoom } from '../redis/operator-room.ts';
import { openRedisRoom, type RedisRoom } from '../redis/redis-room.ts';
import { failureLog } from '../telemetry/failure-log.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { reconcile } from '../upkeep/reconcile.ts';
import { type JobWorker, startWorker } from '../upkeep/worker.ts';
import { modelSettings } from './model-settings.ts';
import { operatorSettings, redisPlace } from './redis-settings.ts';

/** One replica, assembled but not yet serving. The rooms meet only in this folder, and in `cli/` for the commands. */
export interface Replica {
  readonly replicaId: string;
  readonly conversations: Conversations;
  readonly live: LiveTurns;
  readonly recovery: TurnRecovery;
  readonly redis: RedisRoom;
  readonly model: OpenAiModel;
  readonly metrics: Metrics;
  readonly observer: Observer;
  readonly httpSettings: HttpSettings;
}

export function makeReplicaId(): string {
  return `r${randomBytes(8).toString('hex')}`;
}

/** @param otherFormat  called when the keys in Redis have another layout than this version knows */
export function wireReplica(
  config: Config,
  replicaId: string,
  logger: Logger,
  otherFormat: (error: Error) => void,
): Replica {
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
      otherFormat,
      failed: observer.failed,
    },
  );
  const model = new OpenAiModel({
    ...modelSettings(config),
    maxRetries: config.MODEL_MAX_RETRIES,
    found: (need) => logger.warn({ need }, 'the model server needs this; it is remembered'),
  });
  const { admission, queue, store, takeover, sessions, lock, log } = redis;
  const core: Core = {
    ...{ replicaId, admission, queue, store, takeover, sessions, lock, log, model, live, observer },
    agents: new Agents([defaultAgent(config)]),
    windows: new ContextWindows(),
    limits: turnLimits(config),
    newTurnId: makeTurnIds(replicaId),
  };
  const recovery = new TurnRecovery(core);
  return {
    ...{ replicaId, live, recovery, redis, model, metrics, observer },
    conversations: new Conversations(core),
    httpSettings: httpSettings(config),
  };
}

/** The one agent that the settings describe. */
function defaultAgent(config: Config): Agent {
  return {
    name: 'default',
    models: config.OPENAI_MODEL ?? [],
    systemPrompt: config.SYSTEM_PROMPT,
    parameters: {},
    contextTokens: config.CONTEXT_TOKENS,
    counterFor: tokenCounterFor,
  };
}

/** The worker for background jobs, with connections of its own. */
export function wireWorker(
  config: Config,
  logger: Logger,
  failed: (activity: Activity, error: unknown) => void,
): JobWorker {
  const room = openJobsRoom(operatorSettings(config));
  return startWorker({
    ...room.jobs,
    disconnect: room.close,
    reconcileEveryMs: config.RECONCILE_INTERVAL_SECONDS * 1000,
    reconcile: async (signal) => {
      await room.refuseOtherFormat();
      return reconcile(room.store, { isDryRun: false, signal });
    },
    reconciled: ({ skipped, ...counts }, job) => {
      logger.info({ job, ...counts }, 'reconciled');
    },
    failed,
  });
}

/** A random prefix per process and a counter: as unique as random ids, at a fiftieth of their cost. */
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
    turnEnded: (_turn, outcome, durationMs) => metrics.turnEnded(outcome, durationMs),
    firstToken: (_turn, afterMs) => metrics.firstTokenSeconds.observe(afterMs / 1000),
    waited: (_turn, ms) => metrics.queueWaitSeconds.observe(ms / 1000),
    tookOver: (_turn, afterMs) => metrics.takeoverSeconds.observe(afterMs / 1000),
    failed: (activity, error, turn?: TurnRef) => {
      metrics.failed(activity);
      warn(activity, error, turn && { session: turn.session.conversationId, turn: turn.turnId });
    },
  };
}

function storeSettings(config: Config) {
  return {
    historyCacheBytes: config.HISTORY_CACHE_BYTES,
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
    lockTtlMs: config.LOCK_TTL_MS,
    sessionTtlMs: config.SESSION_TTL_SECONDS * 1000,
    turnMaxMs: config.TURN_MAX_SECONDS * 1000,
    turnMaxTotalMs: config.TURN_MAX_TOTAL_SECONDS * 1000,
    maxMessageBytes: config.MAX_MESSAGE_BYTES,
    maxOutputBytes: config.MAX_OUTPUT_BYTES,
    imageTokens: config.IMAGE_TOKENS,
    reasoning: config.REASONING,
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
    sessionHeaders: ['X-Session-ID', ...(config.SESSION_HEADERS ?? [])].map((name) => name.toLowerCase()),
    model: config.OPENAI_MODEL?.[0] ?? null,
    isDemoModel: config.DEMO_MODEL,
  };
}
