import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TurnTimes } from './turn.ts';

/** Turns before a client begins another conversation: beyond that the prompt, not the server, would be measured. */
export const TURNS_A_SESSION = 10;

/** Above this share of failed turns the measurement is void. */
const MOST_FAILED = 0.05;

export interface Drive {
  readonly clients: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
  turn(conversationId: string, message: string): Promise<TurnTimes>;
  /** Seconds of CPU so far, by process. */
  cpu(): Promise<Readonly<Record<string, number>>>;
}

export interface Driven {
  readonly turns: number;
  /** Turns without an answer, warm-up included: on a starved machine a replica refuses some. */
  readonly failed: number;
  /** What the first of them was answered. */
  readonly firstFailure: string | null;
  readonly turnsPerSecond: number;
  readonly ms: readonly number[];
  readonly firstMs: readonly number[];
  /** By process, as in `cpu`. */
  readonly cpuUsPerTurn: Readonly<Record<string, number>>;
  /** Share of one core that this program used. */
  readonly driverBusy: number;
}

/**
 * A closed loop: each client has its own conversation and sends the next message as soon as it has the answer.
 * Turns that end during the warm-up, or after the window, are not counted.
 */
export async function drive(load: Drive): Promise<Driven> {
  const done: TurnTimes[] = [];
  const failures: unknown[] = [];
  let [isCounting, isOver] = [false, false];
  const client = async () => {
    let conversationId = '';
    for (let count = 0; !isOver; count += 1) {
      if (count % TURNS_A_SESSION === 0) conversationId = randomUUID();
      try {
        const times = await load.turn(conversationId, `question ${count} of a client`);
        if (isCounting) done.push(times);
      } catch (error) {
        failures.push(error);
        // Otherwise a failing target would be called as fast as it can refuse.
        await sleep(50);
      }
    }
  };
  const clients = Promise.all(Array.from({ length: load.clients }, client));
  const measured = async () => {
    await sleep(load.warmUpMs);
    const before = await load.cpu();
    const [beganAt, own] = [performance.now(), process.cpuUsage()];
    isCounting = true;
    await sleep(load.measureMs);
    const after = await load.cpu();
    isCounting = false;
    isOver = true;
    return { before, after, tookMs: performance.now() - beganAt, own: process.cpuUsage(own) };
  };
  const [{ before, after, tookMs, own }] = await Promise.all([measured(), clients]);
  if (failures.length > MOST_FAILED * done.length + load.clients) {
    throw new Error(`${failures.length} turns failed, ${done.length} did not`, { cause: failures[0] });
  }
  return {
    turns: done.length,
    failed: failures.length,
    firstFailure: failures.length === 0 ? null : String(failures[0]).slice(0, 300),
    turnsPerSecond: (done.length / tookMs) * 1000,
    ms: done.map((times) => times.ms),
    firstMs: done.map((times) => times.firstMs),
    cpuUsPerTurn: Object.fromEntries(
      Object.entries(after).map(([name, seconds]) => [
        name,
        ((seconds - (before[name] ?? 0)) * 1e6) / done.length,
      ]),
    ),
    driverBusy: (own.user + own.system) / 1000 / tookMs,
  };
}
