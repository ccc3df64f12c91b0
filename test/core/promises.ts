import { keeperOf, type Ledger } from '../support/promise.ts';

/** What the tests of this folder keep; `test/support/promise.ts` says what the fields mean. */
export const PROMISES = {
  'format.first': {
    says: 'a replica is ready, and admits turns, only once it has compared the layout of the keys with its own',
    breaks: 'write-probe and turn-admission: do not look at layout.isOurs',
    from: 'docs/redis.md: Format version',
  },
  'history.regenerate': {
    says: 'the last turn is asked again and replaced in one commit; each replica then shows the model the new answer alone',
    breaks: 'plan withoutLastTurn: edits = []',
    from: 'docs/turn-lifecycle.md',
  },
  'history.append-remove': {
    says: 'items are added without the model and removed with what cannot be without them, in the order of the queue',
    breaks: 'plan edited: lastId of the whole history',
    from: 'docs/turn-lifecycle.md',
  },
  'history.fork': {
    says: 'a turn that continues the last one stays in its session; one that continues an earlier one begins a session of its own with the history up to there',
    breaks: 'admit-turn: leave out the comparison with follows',
    from: 'docs/turn-lifecycle.md',
  },
  'history.results': {
    says: 'a turn ends in calls of the caller’s tools and the next one brings the results; a result without an open call is refused, and both are dropped together',
    breaks: 'plan checkResults: return at once',
    from: 'docs/turn-lifecycle.md',
  },
  'history.resent': {
    says: 'of a history that a caller sends as a whole only what follows the stored one becomes a turn; what does not extend it is answered and not stored',
    breaks: 'plan sinceThen: take the input as it is',
    from: 'docs/turn-lifecycle.md',
  },
  'history.receipt': {
    says: 'what a door wants back is stored with the messages of its turn, and deleted without them',
    breaks: 'plan forgetting: return nothing',
    from: 'docs/redis.md',
  },
  'cost.round-trips': {
    says: 'a turn that finds its session idle waits for Redis three times',
    breaks: 'submit-turn start: ask for the lock after the confirmation',
    from: 'docs/architecture.md',
  },
  'cost.writes': {
    says: 'each token is one write to each of its viewers, and the same bytes for all',
    breaks: 'sse-sink: write to the response',
    from: 'docs/decisions/0020-what-a-viewer-costs.md',
  },
  'dialect.numbers': {
    says: 'a dialect that numbers its events shows each once it is logged, with the same number on every replica',
    breaks: 'turn-feed visibleCount: show all events to every reader',
    from: 'docs/decisions/0015-dialects.md',
  },
  'dialect.numbers.taken-over': {
    says: 'after a takeover a dialect that numbers its events continues the numbering, also on the new replica',
    breaks: 'follow-turn catchUp: return at once',
    from: 'docs/decisions/0015-dialects.md',
  },
  'dialect.errors': {
    says: 'a dialect reports errors in its own format and with its own status, before its head and after',
    breaks: 'error-reply sendError: use the status of the catalogue',
    from: 'docs/decisions/0015-dialects.md',
  },
  'dialect.cut': {
    says: 'a stream that cannot continue says so in its dialect, although it can send no status any more',
    breaks: 'stream-turn: do not send frames.cut',
    from: 'docs/decisions/0015-dialects.md',
  },
  'dialect.disconnect': {
    says: 'each turn has its own rule for a disconnect: one door cancels it, another lets it continue',
    breaks: 'submit-turn: take onDisconnect from the limits alone',
    from: 'docs/decisions/0003-disconnect.md',
  },
  'dialect.disconnect.early': {
    says: 'a client that disconnects before it is sent a head cancels its turn, where a disconnect cancels',
    breaks: 'turn-feed read: set hadReaders after the look at the signal',
    from: 'docs/decisions/0003-disconnect.md',
  },
  'dialect.websocket': {
    says: 'a dialect over a WebSocket works the same: admitted, followed, and refused in its own format',
    breaks: 'stream-turn: write SSE frames to any sink',
    from: 'docs/decisions/0015-dialects.md',
  },
  'parts.message': {
    says: 'a message may have parts: the model gets text, images and files in its own format, now and in the history',
    breaks: 'wire-messages contentOf: return nothing for an image',
    from: 'docs/protocol.md: One message, one answer',
  },
  'parts.readable': {
    says: 'plain text is stored as readable as before, and a text that looks like parts stays a text',
    breaks: 'turn-codec encodeInput: ignore how the text begins',
    from: 'docs/redis.md: Keys',
  },
  'parts.refused': {
    says: 'an invalid part is refused by its position, and an image counts in the context, before anything is written',
    breaks: 'limits checkInput: do not check the URL',
    from: 'docs/errors.md',
  },
  'parts.same-request': {
    says: 'an Idempotency-Key covers the parts: the same parts are the same turn, others are refused',
    breaks: 'idempotency repeatOf: hash the text alone',
    from: 'docs/protocol.md: Sending again',
  },
  'events.ids': {
    says: 'an event id is the fence of its attempt and a number: no two turns or attempts of a session share one',
    breaks: 'live-turn beginAttempt: always begin with fence 1',
    from: 'docs/protocol.md: Events',
  },
  'reasoning.stream': {
    says: 'reasoning is shown as its own events, in order with the text, and is neither stored nor sent back',
    breaks: 'run-turn answer: drop reasoning',
    from: 'docs/models.md: What is read',
  },
  'reasoning.settings': {
    says: 'REASONING=store keeps reasoning in the history, off shows none of it, and no model gets it back',
    breaks: 'prompt isShown: include reasoning',
    from: 'docs/configuration.md: Model',
  },
  'agents.model': {
    says: 'a message may choose a model of OPENAI_MODEL, the first is the default, any other is 404 before a session exists',
    breaks: 'agent choose: replace any name by the default',
    from: 'docs/protocol.md: One message, one answer',
  },
  'agents.model.window': {
    says: 'what one model was found to refuse is remembered for that model: another one is asked with the whole history',
    breaks: 'context-windows keyOf: leave out the model',
    from: 'docs/models.md: What is sent',
  },
  'agents.model.same-request': {
    says: 'an Idempotency-Key covers the model, and a message joins no turn that another model answers',
    breaks: 'join-turn: do not compare the model',
    from: 'docs/protocol.md: Sending again',
  },
  'agents.record': {
    says: 'the record of a turn names agent, model, door and caller, so a takeover runs the same thing',
    breaks: 'turn-codec decodeProfile: leave out the model',
    from: 'docs/redis.md: Keys',
  },
  'agents.options': {
    says: 'request options replace the instructions and extend the parameters and tools of the agent, for that turn only',
    breaks: 'agent forTurn: modify the parameters of the agent',
    from: 'docs/decisions/0016-parts-and-agents.md',
  },
  'agents.tokens': {
    says: "tokens are counted with the encoding of the turn's model, one counter for each encoding",
    breaks: 'tokens encodingOf: always o200k_base',
    from: 'docs/models.md: What is sent',
  },
  'transcript.fold': {
    says: 'folding events joins adjacent pieces, keeps the order of parts, and drops what a lost attempt said',
    breaks: 'transcript add: ignore restarted',
    from: 'docs/decisions/0016-parts-and-agents.md',
  },
  'feed.readers': {
    says: 'each reader of a turn gets every event after its place once and in order, and a stalled one blocks no other',
    breaks: 'turn-feed pump: do not await take',
    from: 'docs/decisions/0002-one-reading-path.md',
  },
  'feed.pieces': {
    says: 'a reader gets a bounded number of events and characters at once',
    breaks: 'turn-feed: pass on everything there is',
    from: 'docs/decisions/0005-sse-sink.md',
  },
  'feed.leaves': {
    says: 'a reader that leaves or fails ends only its own reading',
    breaks: 'turn-feed read: ignore the signal',
    from: 'docs/decisions/0002-one-reading-path.md',
  },
  'viewers.one-write': {
    says: 'events that come together reach each viewer in one write of whole chunks, whose bytes all viewers share',
    breaks: 'chunks writeInOneGo: do not cork; chunkOf: make the bytes anew for each',
    from: 'docs/decisions/0020-what-a-viewer-costs.md',
  },
  'events.place': {
    says: 'an event id parses back to what was formatted, and nothing else parses',
    breaks: 'events: a pattern without anchors',
    from: 'docs/protocol.md: Events',
  },
  'cache.generation': {
    says: 'cached history is joined with what Redis sent only within one epoch and generation',
    breaks: 'history-cache merge: do not compare the generation',
    from: 'docs/decisions/0011-history-cache.md',
  },
  'cache.bounded': {
    says: 'cached history is bounded in bytes, images and files included, and evicts the least recently used',
    breaks: 'history-cache charactersOf: 0 for an image',
    from: 'docs/decisions/0011-history-cache.md',
  },
  'prompt.whole-turns': {
    says: 'history that does not fit is dropped by whole turns, oldest first, and a call keeps its result',
    breaks: 'prompt buildPrompt: drop messages, not turns',
    from: 'docs/models.md: What is sent',
  },
  'prompt.strict': {
    says: 'no prompt has a blank message, reasoning, an unmatched call or result, or an answer before the first question',
    breaks: 'prompt messagesOf: include all parts',
    from: 'docs/models.md: What is sent',
  },
  'prompt.media': {
    says: 'an image counts as IMAGE_TOKENS everywhere, so history with images is dropped in time',
    breaks: 'prompt measured: do not count media',
    from: 'docs/configuration.md: Model',
  },
  'lifecycle.scripts': {
    says: 'every script moves a turn between statuses as the table of transitions says, or leaves it unchanged',
    breaks: 'claim-turn: also take over a turn that ended',
    from: 'docs/turn-lifecycle.md: Every state by every step',
  },
  'way.files': {
    says: 'the reading order of docs/architecture.md names exactly the files that run while a message is answered',
    breaks: 'docs/architecture.md: omit chunk.ts',
    from: 'docs/architecture.md: Reading order',
  },
  'scripts.specified': {
    says: 'code and scripts agree on the name of every key, argument and reply, or no replica starts',
    breaks: 'script check: compare only the keys',
    from: 'docs/decisions/0006-declared-keys.md',
  },
  'scripts.errors': {
    says: 'a bug in a script is internal and named in the log; only a key that was edited makes a session corrupt',
    breaks: 'failures CORRUPT: include user_script',
    from: 'docs/errors.md',
  },
  'scripts.no-events': {
    says: 'no script writes or changes the JSON of an event: TypeScript alone does',
    breaks: 'claim-turn: write the restarted event as JSON',
    from: 'docs/redis.md: Scripts',
  },
} as const satisfies Ledger;

export const { promise, processPromise } = keeperOf(PROMISES);
