import { ApiError } from '../client/errors.ts';
import { pause } from '../client/pause.ts';
import type { Told } from '../client/turns.ts';
import { spokenAnswer } from './announce.ts';
import { type AppState, findTurn, withConversation, withTurn } from './app-state.ts';
import { afterLook, afterTold, failed, isActive, type LiveTurn } from './live-turn.ts';
import { saveTurn } from './memory.ts';
import type { Page } from './page.ts';
import { noteDown, noteError, noteUp } from './reach.ts';
import { loadSession } from './sessions.ts';
import { settle } from './settle.ts';
import { dismissTurn, stopOnServer } from './stop.ts';

/** Streams that a tab keeps open for what it said itself, besides that of the answer on view. */
const KEPT_STREAMS = 2;
const LOOK_EVERY_MS = 1500;
const SAVE_EVERY_MS = 300;

/** Sees a turn to its end: by its stream, or by looking now and then when streams are dear. */
export async function attend(page: Page, conversationId: string, key: string): Promise<void> {
  if (page.attended.has(key)) return;
  for (;;) {
    const turn = findTurn(page.store.state, conversationId, key);
    if (turn === undefined || !isActive(turn)) break;
    const control = new AbortController();
    page.attended.set(key, control);
    try {
      const isStreamed = turn.turnId === null || streamedKeys(page.store.state).has(key);
      await (isStreamed
        ? listen(page, conversationId, turn, control.signal)
        : look(page, conversationId, turn, control.signal));
    } catch (error) {
      if (control.signal.aborted) continue;
      await end(page, conversationId, key, error);
    }
  }
  page.attended.delete(key);
  // The next message waits for this one no longer, however long its history takes to read.
  rebalance(page);
  await settle(page, conversationId, key);
}

/**
 * Has every turn on the server look again at whether it may have a stream of its own, and sends the next message of
 * each conversation: one at a time, so that none overtakes what was said before it.
 */
export function rebalance(page: Page): void {
  const streamed = streamedKeys(page.store.state);
  for (const { id, turns } of Object.values(page.store.state.conversations)) {
    const next = turns.find((turn) => isActive(turn) && turn.turnId === null);
    for (const turn of turns) {
      if (!isActive(turn)) continue;
      const control = page.attended.get(turn.key);
      if (control === undefined && turn.turnId === null && turn !== next) continue;
      if (control === undefined) void attend(page, id, turn.key);
      else if (turn.turnId !== null && isListening.has(control.signal) !== streamed.has(turn.key))
        control.abort();
    }
  }
}

/**
 * A browser opens six connections to one server for all its tabs together, and a cancel needs one: so not every
 * waiting turn can have a stream. The first of the conversation on view has, and some of what was said here.
 */
function streamedKeys(state: AppState): Set<string> {
  const all = Object.values(state.conversations).flatMap((conversation) =>
    conversation.turns.filter(isActive),
  );
  const onView = state.conversations[state.viewedId ?? '']?.turns.find(isActive);
  const mine = all.filter((turn) => turn.isMine && turn !== onView).sort((a, b) => a.saidAtMs - b.saidAtMs);
  return new Set([...(onView ? [onView] : []), ...mine.slice(0, KEPT_STREAMS)].map((turn) => turn.key));
}

const isListening = new WeakSet<AbortSignal>();

async function listen(
  page: Page,
  conversationId: string,
  turn: LiveTurn,
  signal: AbortSignal,
): Promise<void> {
  isListening.add(signal);
  const onLink = (retryInMs: number | null) => {
    if (retryInMs === null) noteUp(page);
    else noteDown(page);
    const retryAtMs = retryInMs === null ? null : Date.now() + retryInMs;
    change(page, conversationId, turn.key, (now) => ({ ...now, retryAtMs }));
  };
  const { key, turnId, lastEventId, onBusy } = turn;
  const told =
    turnId === null
      ? page.client.say({ conversationId, message: turn.said[0] ?? '', key, onBusy, signal, onLink })
      : page.client.follow({ conversationId, turnId, lastEventId, signal, onLink });
  let savedAtMs = 0;
  for await (const event of told) {
    hear(page, conversationId, key, event);
    if (event.type === 'settled') await lookOnce(page, conversationId, key, signal);
    if (isPiece(event) && Date.now() - savedAtMs < SAVE_EVERY_MS) continue;
    savedAtMs = Date.now();
    keep(page, conversationId, key);
  }
}

/** Those come by the hundred. */
const isPiece = (told: Told) => told.type === 'delta' || told.type === 'reasoning';

function hear(page: Page, conversationId: string, key: string, told: Told): void {
  const step = (state: AppState) =>
    withConversation(state, conversationId, (now) => withTurn(now, key, (turn) => afterTold(turn, told)));
  if (isPiece(told)) {
    page.store.updateSoon(step);
    return;
  }
  page.store.update(step);
  if (told.type === 'started' || told.type === 'restarted') spokenAnswer(page, conversationId, key);
  if (told.type === 'admitted') afterAdmission(page, conversationId, key);
}

function afterAdmission(page: Page, conversationId: string, key: string): void {
  const { turns } = page.store.state.conversations[conversationId] ?? { turns: [] };
  const admitted = turns.find((turn) => turn.key === key);
  if (admitted === undefined) return;
  const joined = turns.find((turn) => turn.key !== key && turn.turnId === admitted.turnId);
  if (joined !== undefined) {
    // It joined a message that waits, and is answered with it.
    change(page, conversationId, joined.key, (turn) => ({ ...turn, said: [...turn.said, ...admitted.said] }));
    dismissTurn(page, conversationId, key);
    keep(page, conversationId, joined.key);
  }
  if (admitted.isStopping) void stopOnServer(page, conversationId, joined?.key ?? key);
  const turn = findTurn(page.store.state, conversationId, joined?.key ?? key);
  if (turn !== undefined) page.tabs.tell({ type: 'turn', conversationId, turn });
  rebalance(page);
  // Now the server can tell how long the conversation is kept.
  void loadSession(page, conversationId).catch(() => undefined);
}

async function look(page: Page, conversationId: string, turn: LiveTurn, signal: AbortSignal): Promise<void> {
  await lookOnce(page, conversationId, turn.key, signal);
  const now = findTurn(page.store.state, conversationId, turn.key);
  if (now !== undefined && isActive(now)) await pause(LOOK_EVERY_MS, signal);
}

async function lookOnce(page: Page, conversationId: string, key: string, signal: AbortSignal): Promise<void> {
  const turnId = findTurn(page.store.state, conversationId, key)?.turnId;
  if (typeof turnId !== 'string') return;
  try {
    const record = await page.client.turn(conversationId, turnId, signal);
    change(page, conversationId, key, (turn) => afterLook(turn, record));
  } catch (error) {
    if (!(error instanceof ApiError) || !error.isPassing) throw error;
  }
}

async function end(page: Page, conversationId: string, key: string, error: unknown): Promise<void> {
  const known = error instanceof ApiError ? error : new ApiError('internal');
  noteError(page, known);
  change(page, conversationId, key, (turn) => failed(turn, known.code, known.isPassing));
}

function change(page: Page, conversationId: string, key: string, how: (turn: LiveTurn) => LiveTurn): void {
  page.store.update((state) => withConversation(state, conversationId, (now) => withTurn(now, key, how)));
}

/** Keeps what a reload needs to go on from here. */
export function keep(page: Page, conversationId: string, key: string): void {
  const turn = findTurn(page.store.state, conversationId, key);
  if (turn !== undefined && isActive(turn)) saveTurn(conversationId, turn);
}
