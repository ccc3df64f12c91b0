import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { call, chat } from '../testkit/http/http.ts';
import { createRandom, type Random } from '../testkit/seed.ts';
import { deleteSession } from '../testkit/server/api.ts';
import type { Deletion, Rules, SessionEnd, Story, Violation } from './checker/story.ts';
import type { Note } from './checker/tell.ts';
import { liveThrough, type Manner, newSend, type OpenSend, PATIENT, type Place } from './rig/client.ts';
import { openMonitor } from './rig/monitor.ts';
import { readReplica, readSession, turnStatus } from './rig/read-end.ts';
import { LOCK_TTL_MS, type Slot, type World } from './rig/world.ts';

/** Resources of a replica at a moment: resident memory, open files. */
export interface Sample {
  readonly at: number;
  readonly rssBytes: number;
  readonly openFiles: number;
}

export interface Figure {
  readonly name: string;
  readonly ms: number;
}

/** Longest time that leases, recovery and waiting may take to settle after a fault. */
const REST_MS = 2 * LOCK_TTL_MS + 8000;

const AT_ONCE = 20;

/** One fault in one world, with everything chosen by a seed. */
export class Trial {
  readonly world: World;
  readonly seed: number;
  readonly random: Random;
  /** The prefix of every name in this trial. */
  readonly tag: string;
  /** Of the short run: small numbers and short times. */
  readonly isQuick: boolean;
  readonly notes: Note[] = [];
  readonly figures: Figure[] = [];
  readonly samples: Sample[] = [];
  readonly counts: Record<string, number> = {};
  readonly found: Violation[] = [];
  /** Where the last question of a session is sent: to one replica, or to each in turn. */
  asksAll = false;
  rules: Rules;
  readonly lastWork: (() => Promise<void>)[] = [];
  readonly #sends: OpenSend[] = [];
  readonly #ends: Promise<void>[] = [];
  readonly #deletions: Deletion[] = [];
  readonly #sessions: string[] = [];
  readonly #expired = new Map<string, readonly string[]>();
  readonly #firstCall: number;
  #tokens = 0;
  #balancer: Place | null = null;

  constructor(world: World, seed: number, isQuick: boolean) {
    this.world = world;
    this.seed = seed;
    this.isQuick = isQuick;
    this.random = createRandom(seed);
    // The time makes it unique when a seed is replayed on the same Redis.
    this.tag = `t${seed.toString(36)}x${Math.floor(performance.now()).toString(36)}`;
    this.#firstCall = world.model.calls.length;
    const ttlSeconds = Number(world.env.SESSION_TTL_SECONDS);
    this.rules = {
      systemPrompt: world.env.SYSTEM_PROMPT ?? '',
      sessionTtlMs: ttlSeconds * 1000,
      maxMessages: Number(world.env.SESSION_MAX_MESSAGES ?? 10_000),
      codes: [],
      mayCut: false,
      mayLose: 'nothing',
      lossFrom: 0,
      lossUntil: 0,
      hasWindow: false,
    };
  }

  session(): string {
    const name = `${this.tag}-s${this.#sessions.length}`;
    this.#sessions.push(name);
    return name;
  }

  get up(): readonly Slot[] {
    return this.world.slots.filter((slot) => !slot.isGone);
  }

  slot(index: number): Slot {
    const slot = this.world.slots[index % this.world.slots.length];
    if (slot === undefined) throw new Error('a world without replicas');
    return slot;
  }

  anySlot(): Slot {
    return this.random.pick(this.up);
  }

  /** From now on clients use a balancer unless a replica is given; null: the replicas again. */
  goesThrough(balancer: Place | null): void {
    this.#balancer = balancer;
  }

  token(session: string): string {
    this.#tokens += 1;
    return `${session}-m${this.#tokens}`;
  }

  /** Sends a message; `ended` settles when its client has its answer. */
  begin(
    session: string,
    manner: Partial<Manner> = {},
    slot: Place = this.#balancer ?? this.anySlot(),
    token: string = this.token(session),
  ): { readonly send: OpenSend; readonly ended: Promise<void> } {
    const whole = { ...PATIENT, ...manner };
    const send = newSend(session, token, slot, whole);
    this.#sends.push(send);
    const ended = liveThrough(send, slot, whole, () =>
      this.#balancer === null ? this.random.shuffle(this.up) : [this.#balancer],
    );
    this.#ends.push(ended);
    // Its failure is handled where it is awaited.
    ended.catch(() => undefined);
    return { send, ended };
  }

  async say(session: string, manner?: Partial<Manner>, slot?: Place, token?: string): Promise<OpenSend> {
    const { send, ended } = this.begin(session, manner, slot, token);
    await ended;
    return send;
  }

  /** Retries under one key until it is done, like a careful client. */
  async sayUntilDone(session: string, manner: Partial<Manner> = {}, withinMs = 20_000): Promise<OpenSend> {
    const token = this.token(session);
    const until = performance.now() + withinMs;
    for (;;) {
      const send = await this.say(session, { ...manner, key: `key-${token}` }, undefined, token);
      if (send.end.kind === 'done' || send.end.kind === 'cancelled' || performance.now() > until) return send;
      await sleep(this.random.int(20, 120));
    }
  }

  /** Sends a message in a session outside the invariants. @returns the status, and the prompt */
  async sayUnwatched(
    slot: Slot,
    session: string,
    message: string,
  ): Promise<{ readonly status: number; readonly code: string; readonly shown: string }> {
    const before = this.world.model.calls.length;
    const { status, body } = await chat(slot, session, message);
    const calls = this.world.model.calls.slice(before);
    const shown = calls
      .flatMap((call) => call.messages.slice(0, -1).map(({ content }) => content))
      .join(' | ');
    return { status, code: body.error?.code ?? '', shown };
  }

  async remove(session: string, slot: Slot = this.anySlot()): Promise<number> {
    const sentAt = performance.now();
    const status = await deleteSession(slot, session).then(
      (answer) => answer.status,
      () => 0,
    );
    this.#deletions.push({ session, sentAt, endedAt: performance.now(), status });
    return status;
  }

  /** Cancels a turn on any replica; must reply within a second, plus slack. */
  async cancel(session: string, turnId: string, slot: Slot = this.anySlot()): Promise<void> {
    const begun = performance.now();
    const path = `/api/sessions/${session}/turns/${turnId}/cancel`;
    const { status } = await call(slot.url, 'POST', path);
    this.note(`cancel of ${turnId} at ${slot.name}: ${status}`);
    this.measure('a cancel is answered', performance.now() - begun, 2000);
  }

  /** Runs the reconcile command once. @returns its report */
  async reconcile(): Promise<Readonly<Record<string, unknown>>> {
    const env = {
      PATH: process.env.PATH,
      ...this.world.env,
      REDIS_URL: this.world.redis.url,
      OPENAI_MODEL: 'scripted',
    };
    const args = [this.world.entry, 'reconcile', '--json'];
    const { stdout } = await promisify(execFile)(process.execPath, args, { env, timeout: 30_000 });
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  /** The names of all commands that replicas sent to Redis during some work. */
  async monitor(work: () => Promise<void>): Promise<readonly string[]> {
    const seen: string[] = [];
    const watcher = await openMonitor(this.world.redis.port, (command) => seen.push(command));
    try {
      await work();
    } finally {
      watcher.close();
    }
    return seen;
  }

  note(text: string): void {
    this.notes.push({ at: performance.now(), text });
  }

  count(name: string, by = 1): void {
    this.counts[name] = (this.counts[name] ?? 0) + by;
  }

  /**
   * A time for the report; past the bound it is a violation of the row. The short run is part of a check that must
   * pass on a busy machine, so it allows twice the time; the long run is exact.
   */
  measure(name: string, ms: number, boundMs = Number.POSITIVE_INFINITY): void {
    this.figures.push({ name, ms });
    const atMostMs = this.isQuick ? 2 * boundMs : boundMs;
    if (ms > atMostMs) this.wrong(`${name} took ${Math.round(ms)} ms, at most ${Math.round(atMostMs)}`);
  }

  wrong(what: string, session = ''): void {
    this.found.push({ invariant: 'figure', session, what });
  }

  /** Remains of a session after it expired, for I7. */
  expired(session: string, found: readonly string[]): void {
    this.#expired.set(session, found);
  }

  /** Cleanup for after the trial has been read. */
  endsWith(work: () => Promise<void>): void {
    this.lastWork.push(work);
  }

  /** Waits until everything is idle, asks each session once more, and reads the final state. */
  async rest(): Promise<Story> {
    await Promise.all(this.#ends);
    const places = () => {
      const place = this.up[0];
      if (place === undefined) throw new Error('no replica is up at the end of a trial');
      return place;
    };
    const sessions = this.#sessions.filter((session) => !this.#expired.has(session));
    // A few at once: hundreds would only test how fast this machine admits.
    for (let from = 0; from < sessions.length; from += AT_ONCE) {
      const some = sessions.slice(from, from + AT_ONCE);
      await Promise.all(some.map((session) => this.#untilEnded(places(), session)));
      await Promise.all(some.map((session) => this.#askLast(session)));
    }
    const ends: SessionEnd[] = [];
    for (const session of sessions) ends.push(await readSession(places(), session, this.#turnsOf(session)));
    for (const [session, afterExpiry] of this.#expired) {
      ends.push({ session, meta: null, messages: [], turns: [], afterExpiry });
    }
    return {
      sends: this.#sends,
      deletions: this.#deletions,
      calls: this.world.model.calls.slice(this.#firstCall),
      sessions: ends,
      replicas: await Promise.all(this.up.map((slot) => readReplica(slot))),
      rules: this.rules,
    };
  }

  #turnsOf(session: string): readonly string[] {
    const ids = this.#sends.filter((send) => send.session === session).map((send) => send.turnId);
    return [...new Set(ids)].filter((id) => id !== null);
  }

  async #untilEnded(place: Slot, session: string): Promise<void> {
    const until = performance.now() + REST_MS;
    for (const turnId of this.#turnsOf(session)) {
      for (;;) {
        const { status } = await turnStatus(place, session, turnId);
        if ((status !== 'queued' && status !== 'running') || performance.now() > until) break;
        await sleep(50);
      }
    }
  }

  /** A question that would be refused if a lock or a waiting turn were left. */
  async #askLast(session: string): Promise<void> {
    const slots = this.asksAll ? this.up : [this.anySlot()];
    for (const slot of slots) {
      const until = performance.now() + REST_MS;
      for (;;) {
        const { end } = await this.say(session, { onBusy: 'reject', route: 'json' }, slot);
        if (end.kind !== 'error' || end.code !== 'session_busy' || performance.now() > until) break;
        await sleep(100);
      }
    }
  }
}
