import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Activity } from '../conversation/ports/notices.ts';
import type { Ending } from '../conversation/ports/turns.ts';

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

/** Every metric of a replica; `docs/operations.md` lists them, compared by a test. */
export class Metrics {
  readonly registry = new Registry();
  readonly #turnsEnded: Counter<'outcome'>;
  readonly #turnSeconds: Histogram<'outcome'>;
  readonly firstTokenSeconds: Histogram;
  readonly queueWaitSeconds: Histogram;
  readonly takeoverSeconds: Histogram;
  readonly #failures: Counter<'activity'>;
  readonly httpRequests: Counter<'route' | 'method' | 'status'>;
  readonly openStreams: Gauge;
  readonly liveTurns: Gauge;
  readonly sessions: Gauge;
  readonly reconciledAt: Gauge;

  constructor(liveTurns: () => number) {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    this.#turnsEnded = new Counter({
      name: 'turnwise_turns_ended_total',
      help: 'Turns that ended on this replica, by outcome',
      labelNames: ['outcome'],
      registers,
    });
    this.#turnSeconds = new Histogram({
      name: 'turnwise_turn_seconds',
      help: 'Time a turn ran, seconds',
      labelNames: ['outcome'],
      buckets: SECONDS,
      registers,
    });
    this.firstTokenSeconds = new Histogram({
      name: 'turnwise_first_token_seconds',
      help: 'Time from the start of an attempt to its first text, seconds',
      buckets: SECONDS,
      registers,
    });
    this.queueWaitSeconds = new Histogram({
      name: 'turnwise_queue_wait_seconds',
      help: 'Time a turn waited for those ahead of it, seconds',
      buckets: SECONDS,
      registers,
    });
    this.takeoverSeconds = new Histogram({
      name: 'turnwise_takeover_seconds',
      help: 'Time from the end of a lease until this replica took the turn over, seconds',
      buckets: SECONDS,
      registers,
    });
    this.#failures = new Counter({
      name: 'turnwise_failures_total',
      help: 'What went wrong on this replica, by what it was doing',
      labelNames: ['activity'],
      registers,
    });
    this.httpRequests = new Counter({
      name: 'turnwise_http_requests_total',
      help: 'Requests answered, by route, method and status',
      labelNames: ['route', 'method', 'status'],
      registers,
    });
    this.openStreams = new Gauge({
      name: 'turnwise_open_streams',
      help: 'Event streams open on this replica',
      registers,
    });
    this.liveTurns = new Gauge({
      name: 'turnwise_live_turns',
      help: 'Turns that wait or run on this replica',
      registers,
      collect() {
        this.set(liveTurns());
      },
    });
    this.sessions = new Gauge({
      name: 'turnwise_sessions',
      help: 'Live sessions of the deployment, as of the last reconcile',
      registers,
    });
    this.reconciledAt = new Gauge({
      name: 'turnwise_reconciled_at_seconds',
      help: 'When the last reconcile ended, seconds since 1970',
      registers,
    });
  }

  /** @param durationMs  null: it never ran */
  turnEnded(outcome: Ending['outcome'], durationMs: number | null): void {
    this.#turnsEnded.inc({ outcome });
    if (durationMs !== null) this.#turnSeconds.observe({ outcome }, durationMs / 1000);
  }

  failed(activity: Activity): void {
    this.#failures.inc({ activity });
  }
}
