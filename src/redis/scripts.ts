import { type Reply, Script } from './script.ts';
import type { Client } from './server/connect.ts';

/** Keys that every script of a session begins with, and those of one turn of it. */
const SESSION = 'meta messages queue turns lock';
export const TURN = `${SESSION} turn log idempotency*` as const;

const HISTORY = {
  epoch: 'text',
  generation: 'text',
  count: 'number',
  dropped: 'number',
  from: 'number',
  messages: 'list',
  continues: 'number',
} as const;

/** The right to run a turn, for a replica that just admitted it; and for one that did not. */
const GRANTED = { now_ms: 'number', fence: 'text', attempt: 'number', ...HISTORY } as const;
const GRANTED_WORK = {
  ...GRANTED,
  inputs: 'list',
  ran_ms: 'number',
  agent: 'text',
  model: 'text',
  door: 'text',
  on_disconnect: 'text',
  options: 'text',
  echo: 'text',
} as const;

export type HistoryReply = Omit<Reply<{ PAGE: typeof HISTORY }>, 'word'>;
export type GrantedReply = Reply<{ GRANTED: typeof GRANTED }>;
export type GrantedWorkReply = Reply<{ GRANTED: typeof GRANTED_WORK }>;

/** The script needs idempotency keys that were not passed to it: those with these hashes. */
const UNNAMED = { hashes: 'list' } as const;

/** Every script, under the name of its file in camel case. The top of each file says what it does. */
export const SCRIPTS = {
  admitTurn: new Script(
    'admit-turn',
    TURN,
    'turn_id replica session not_after_ms session_ttl_ms lease_ms queue_max on_busy follows parent key_value replaces_value known tail channels owner message title profile*',
    {
      GRANTED: { ...GRANTED, renewed: 'number' },
      QUEUED: { now_ms: 'number', position: 'number' },
      JOIN: { turn_id: 'text' },
      EXISTS: { value: 'text', acknowledged: 'number' },
      BUSY: { turn_id: 'text', position: 'number' },
      PASSED: {},
      FULL: {},
      LATE: { now_ms: 'number' },
      CORRUPT: {},
    },
  ),
  joinTurn: new Script(
    'join-turn',
    TURN,
    'turn_id joiner_id not_after_ms session_ttl_ms most_bytes text_bytes message key_value replaces_value agent model options',
    {
      OK: { now_ms: 'number' },
      EXISTS: { value: 'text', acknowledged: 'number' },
      STALE: {},
      TOO_LARGE: {},
      LATE: { now_ms: 'number' },
    },
  ),
  unjoinTurn: new Script('unjoin-turn', 'turn idempotency*', 'joiner_id', {
    OK: {},
    GONE: {},
    ACKNOWLEDGED: {},
  }),
  confirmTurn: new Script('confirm-turn', 'turn', 'replica not_after_ms', {
    OK: {},
    GONE: {},
    TAKEN: {},
    LATE: { now_ms: 'number' },
  }),
  confirmRepeat: new Script('confirm-repeat', 'turn idempotency*', 'key_value not_after_ms', {
    OK: {},
    GONE: {},
    LATE: { now_ms: 'number' },
  }),
  openTurn: new Script(
    'open-turn',
    TURN,
    'turn_id replica session session_ttl_ms lease_ms known tail channels',
    {
      WAITING: { now_ms: 'number', position: 'number', running_turn: 'text', running_lease_ms: 'number' },
      GRANTED: GRANTED_WORK,
      UNNAMED,
      GONE: {},
      ENDED: {},
      TAKEN: {},
      CORRUPT: {},
    },
  ),
  beatTurn: new Script('beat-turn', TURN, 'turn_id fence session_ttl_ms lease_ms', {
    OK: { stop: 'text' },
    UNNAMED,
    GONE: {},
    FENCED: {},
    ENDED: {},
  }),
  appendLog: new Script('append-log', 'turn log', 'holder last_id events said_length watch_channel', {
    OK: {},
    FENCED: {},
  }),
  readLog: new Script('read-log', 'log', 'from enough_bytes most_entries', {
    PAGE: { entries: 'raw' },
  }),
  endTurn: new Script(
    'end-turn',
    TURN,
    'turn_id session fence lock_value session_ttl_ms log_ttl_ms outcome heeds most_messages count_before channels watch_channel last_message kept finish_reason usage failure edit_count batch_count begin_count values*',
    {
      OK: { now_ms: 'number', count: 'number' },
      STOPPED: { stop: 'text' },
      LOCKED: {},
      UNNAMED,
      GONE: {},
      FENCED: {},
      CORRUPT: {},
    },
  ),
  withdrawTurn: new Script(
    'withdraw-turn',
    TURN,
    'turn_id session replica outcome log_ttl_ms condition event failure code channels watch_channel',
    { OK: {}, GONE: {}, ENDED: {}, RUNNING: {}, DEPENDED_ON: {}, UNNAMED },
  ),
  claimTurn: new Script(
    'claim-turn',
    TURN,
    'turn_id replica session session_ttl_ms lease_ms most_deaths most_ran_ms mode known tail channels watch_channel',
    {
      GRANTED: GRANTED_WORK,
      ADOPTED: { confirmed: 'number', last_id: 'text', waited_ms: 'number', on_disconnect: 'text' },
      SEIZED: { why: 'text', stop: 'text', fence: 'text', attempt: 'number', count: 'number' },
      ALIVE: { until_ms: 'number' },
      UNNAMED,
      GONE: {},
      ENDED: {},
      CORRUPT: {},
    },
  ),
  stopTurn: new Script(
    'stop-turn',
    `${SESSION} turn` as const,
    'turn_id session kind channels only_if_unread',
    { ASKED: {}, QUEUED: {}, ENDED: {}, GONE: {}, READ: {} },
  ),
  releaseTurn: new Script('release-turn', `${SESSION} turn` as const, 'turn_id replica lock_value', {
    OK: {},
    GONE: {},
  }),
  freeLock: new Script('free-lock', 'meta lock', 'turn_id fence', { OK: {}, FENCED: {} }),
  watchTurn: new Script('watch-turn', 'turn', 'for_ms', { OK: { on_disconnect: 'text' }, GONE: {} }),
  deleteSession: new Script(
    'delete-session',
    `${SESSION} turn_keys*` as const,
    'session channels watch_channels members*',
    { DELETED: {}, MISSING: {}, STALE: {} },
  ),
  createSession: new Script('create-session', 'meta messages queue', 'session_ttl_ms owner title metadata', {
    OK: { now_ms: 'number' },
    EXISTS: {},
  }),
  describeSession: new Script('describe-session', 'meta', 'fields*', { OK: {}, MISSING: {} }),
  readHistory: new Script('read-history', 'meta messages', 'known tail', {
    PAGE: HISTORY,
    MISSING: {},
    CORRUPT: {},
  }),
  readMessages: new Script('read-messages', 'meta messages', 'before limit enough_bytes', {
    PAGE: { messages: 'list', has_more: 'number' },
    MISSING: {},
    CORRUPT: {},
  }),
  repairSession: new Script(
    'repair-session',
    `${SESSION} running_record records*` as const,
    'dry_run session_ttl_ms session channels lease_ms running_turn waiting_count most members*',
    {
      OK: {
        counts: 'number',
        queue_dropped: 'number',
        ttls: 'number',
        freed: 'number',
        expires_at_ms: 'number',
        fence: 'text',
        epoch: 'text',
        running_turn: 'text',
        waiting_turns: 'list',
        skipped: 'list',
      },
      MORE: { running_turn: 'text', queue_members: 'list', turns_members: 'list' },
      CORRUPT: { skipped: 'list' },
      GONE: {},
    },
  ),
  settleScores: new Script('settle-scores', 'scores', 'entries*', { SETTLED: { changed: 'list' } }),
} as const;

/** Defines all scripts on a client. */
export function defineScripts(client: Client): void {
  for (const script of Object.values(SCRIPTS)) script.define(client);
}
