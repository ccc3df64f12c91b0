import { keeperOf, type Ledger } from '../support/promise.ts';

/** What the tests of this folder keep; `test/support/promise.ts` says what the fields mean. */
export const PROMISES = {
  'api.chat.reply': {
    says: 'a JSON chat replies with reply, ids, count, finish reason and usage, and nothing else',
    breaks: 'door/admit announce: omit X-Turn-ID',
    from: 'docs/protocol.md: One message, one answer',
  },
  'api.chat.new-session': {
    says: 'a chat without conversation_id begins a new session under an id that cannot be guessed',
    breaks: 'door/admit: give every new session the same name',
    from: 'docs/protocol.md: One message, one answer',
  },
  'api.stream.events': {
    says: 'a streamed chat sends its ids in the head, then started, deltas and done, each with a rising id',
    breaks: 'door/admit announce: omit X-Turn-ID',
    from: 'docs/guarantees.md: Reading and stopping',
  },
  'api.chat.cancelled': {
    says: 'a cancelled JSON chat replies 200 with the text so far, and a second cancel replies the same',
    breaks: 'collect-turn: answer a cancelled turn with an error',
    from: 'docs/protocol.md: One message, one answer',
  },
  'api.turn.each-status': {
    says: 'a turn can be looked up in every status, with null for what is not known yet',
    breaks: 'turn-codec: omit position',
    from: 'docs/protocol.md: Looking back',
  },
  'api.cors': {
    says: 'a page on an allowed origin may call both routes and read the ids of a turn; another origin may not',
    breaks: 'app: do not expose headers to pages',
    from: 'docs/configuration.md: Callers',
  },
  'api.request-id': {
    says: "a request keeps its caller's request id, if that one is harmless",
    breaks: 'app genReqId: accept any text from the caller',
    from: 'docs/errors.md',
  },
  'api.sessions.shape': {
    says: 'a session shows title, times and count, the same alone and in the list, which is newest access first',
    breaks: 'session titleFrom: cut by UTF-16 units',
    from: 'docs/protocol.md: Looking back',
  },
  'api.sessions.from-admission': {
    says: 'a session exists, empty, from the admission of its first turn, and remains when that turn fails',
    breaks: 'session-store decodeSummary: count the running turn',
    from: 'docs/protocol.md: Looking back',
  },
  'api.sessions.pages': {
    says: 'paging by cursor shows each remaining session once, while others are used, created and deleted',
    breaks: 'session-index: begin a page with the last entry of the previous one',
    from: 'docs/protocol.md: Looking back',
  },
  'api.messages.pages': {
    says: 'messages come oldest first, the newest hundred by default, and page back to the beginning',
    breaks: 'session-store messages: set has_more only without before',
    from: 'docs/protocol.md: Looking back',
  },
  'api.messages.committed-only': {
    says: 'messages show nothing of a running turn until it is committed',
    breaks: 'session-store decodeSummary: count the running turn',
    from: 'docs/protocol.md: Looking back',
  },
  'api.sessions.rename': {
    says: 'a title that was set remains, and nothing else of the session changes',
    breaks: 'describe-session: create a missing session',
    from: 'docs/protocol.md: Looking back',
  },
  'api.sessions.delete': {
    says: 'a deleted session is gone from every route, and can be deleted only once',
    breaks: 'delete-session: keep the list of messages',
    from: 'docs/protocol.md: Looking back',
  },
  'api.health': {
    says: 'health is healthy, and counts the live sessions',
    breaks: 'session-store remove: leave the session in the index',
    from: 'docs/operations.md: Health',
  },
  'api.health.without-redis': {
    says: 'without Redis health and readiness are 503 and a chat is refused within a second, and all recover by themselves',
    breaks: 'connect: commandTimeout and socketTimeout of seconds',
    from: 'docs/guarantees.md: When Redis goes away',
  },
  'api.readyz.draining': {
    says: 'after SIGTERM readiness is draining at once, the process stays live and accepts turns, then exits 0',
    breaks: 'live-turns leave: refuse turns at once',
    from: 'docs/guarantees.md: Leaving and forgetting',
  },
  'api.metrics': {
    says: 'metrics are Prometheus text that counts turns by outcome',
    breaks: 'wiring: do not count ended turns; inspection metrics: leave Nan as it is',
    from: 'docs/operations.md: Metrics',
  },
  'api.docs': {
    says: 'the documentation page is served with all that it loads',
    breaks: 'app: omit swagger-ui',
    from: 'docs/protocol.md: Routes',
  },
  'api.errors.method': {
    says: 'an unsupported method on a route is 405 with the supported methods, in the common error format',
    breaks: 'app: do not add answers for missing methods; method-not-allowed: answer only in the handler',
    from: 'docs/errors.md',
  },
  'api.errors.no-route': {
    says: 'an unknown route is 404 not_found in the common error format, with any method',
    breaks: "error-reply: leave Fastify's own answer for unknown routes",
    from: 'docs/errors.md',
  },
  'client.typed': {
    says: 'the client made from the API document compiles, and a wrong route, field or error code does not',
    breaks: 'error-schemas errorReply: describe the code as any string',
    from: 'docs/errors.md',
  },
  'api.openapi.routes': {
    says: 'every route is described, with its reply type, its errors and a strict body',
    breaks: 'session-routes: hide a route from the description',
    from: 'docs/protocol.md: Routes',
  },
  'api.openapi.headers-and-events': {
    says: 'the headers that a client sends and receives, every event of a stream, and the version are described',
    breaks: 'schemas: no headers in ResumeHeaders, ChatReply or ErrorReply; an event stream as a string',
    from: 'docs/protocol.md: Routes',
  },
  'api.openapi.replies': {
    says: 'the replies of every route match its description',
    breaks: 'wire turnToJson: a position that is not a whole number',
    from: 'docs/protocol.md: Routes',
  },
  'bad-input.body': {
    says: 'a body that is not the described object, or has an extra field, is 400, and nothing is written or asked',
    breaks: 'schemas strict: allow extra fields',
    from: 'docs/errors.md',
  },
  'bad-input.id': {
    says: 'a conversation id outside the alphabet is 400 in the body and in every path',
    breaks: 'schemas ConversationId and session isConversationId: accept any text',
    from: 'docs/errors.md',
  },
  'bad-input.path': {
    says: 'a malformed path is 400, and so is a turn id outside the alphabet',
    breaks: 'schemas TurnParams: accept any text as turn id',
    from: 'docs/errors.md',
  },
  'bad-input.query': {
    says: 'an undocumented query is 400',
    breaks: 'schemas Limit: accept any text',
    from: 'docs/errors.md',
  },
  'bad-input.ids-of-ours': {
    says: 'names that the server uses internally, and all allowed characters, are ordinary conversation ids',
    breaks: 'keys: name the metadata of a session by its id alone',
    from: 'docs/errors.md',
  },
  'bad-bytes.headers': {
    says: 'undocumented headers are refused with their code',
    breaks: 'schemas IdempotencyHeaders: any length; door/admit: accept two keys as one',
    from: 'docs/errors.md',
  },
  'bad-bytes.type': {
    says: 'a body that is not application/json is 415, and no odd content type gets one past the schema',
    breaks: 'bodies: also read text/plain',
    from: 'docs/errors.md',
  },
  'bad-bytes.not-http': {
    says: 'bytes that are not HTTP, not UTF-8, or compressed, are refused in the common error format',
    breaks: 'app: no clientErrorHandler; bodies: ignore content-encoding; error-reply: no ERROR_HEADERS',
    from: 'docs/errors.md',
  },
  'bad-bytes.size': {
    says: 'a message or body over its limit, or a message over the context, is 413; one at the limit is answered',
    breaks: 'limits checkInput: count characters instead of bytes',
    from: 'docs/errors.md',
  },
  'bad-bytes.heavy-json': {
    says: 'deep, wide or long JSON is refused in little more than its parse time, without holding up others',
    breaks: 'bodies: walk a body recursively',
    from: 'docs/errors.md',
  },
  'bad-bytes.any-body': {
    says: 'no body gets a 5xx or an unknown reply format from any route: any JSON in any described field',
    breaks: 'chat-routes: throw a plain Error at a conversation id of dots',
    from: 'docs/errors.md',
  },
  'expiry.together': {
    says: 'all keys of a session expire in the same millisecond, while turns run and wait and after they ended',
    breaks: 'include/ttl expire_session: leave the queue out',
    from: 'docs/guarantees.md: Leaving and forgetting',
  },
  'expiry.idle': {
    says: 'a session expires after SESSION_TTL_SECONDS without a turn, and each turn restarts that time',
    breaks: 'include/ttl expire_session: leave the messages out',
    from: 'docs/guarantees.md: Leaving and forgetting',
  },
  'expiry.joined-key': {
    says: 'the Idempotency-Key of a message that joined a waiting turn lives as long as that turn, and then as its record',
    breaks: 'include/joined hashes_of: return only the first',
    from: 'docs/guarantees.md: Sending again',
  },
  'expiry.long-turn': {
    says: 'a turn that runs longer than the TTL of its session keeps it, its history, and the turns behind it',
    breaks: 'beat-turn and open-turn: do not renew the TTLs',
    from: 'docs/redis.md: Keys',
  },
  'expiry.ended-turn': {
    says: 'what is kept of an ended turn lives TURN_LOG_TTL_SECONDS, and no longer than its session',
    breaks: 'end-turn: keep record and log until the session expires',
    from: 'docs/redis.md: Keys',
  },
  'expiry.most-messages': {
    says: 'past SESSION_MAX_MESSAGES the oldest whole turns are dropped, and the count still includes them',
    breaks: 'end-turn: drop single messages instead of whole turns',
    from: 'docs/redis.md: Keys',
  },
  'expiry.no-key-for-ever': {
    says: 'after turns that ended in every way each key of a session has a TTL, and all are gone in time',
    breaks: 'include/ttl expire_session: leave the messages out',
    from: 'docs/guarantees.md: Leaving and forgetting',
  },
  'docs.redis.fields': {
    says: 'docs/redis.md lists exactly the fields of a session and its turns',
    breaks: 'admit-turn: add a field to the metadata',
    from: 'CONTRIBUTING.md: Style',
  },
  'docs.redis.types': {
    says: 'every key in Redis has the type and the TTL that docs/redis.md gives',
    breaks: 'include/ttl expire_session: leave the queue out',
    from: 'CONTRIBUTING.md: Style',
  },
  'docs.redis.commands': {
    says: 'every redis-cli line in docs/redis.md is a command, and the lines about a session show something',
    breaks: 'redis.md: ZRANGE for the log',
    from: 'CONTRIBUTING.md: Style',
  },
  'docs.protocol.routes': {
    says: 'docs/protocol.md lists exactly the routes of /openapi.json',
    breaks: 'turn-routes: cancel at /stop',
    from: 'CONTRIBUTING.md: Style',
  },
  'docs.commands': {
    says: 'README and docs/operations.md list exactly the commands of the program',
    breaks: 'program: rename worker to jobs',
    from: 'CONTRIBUTING.md: Style',
  },
  'docs.readme.example': {
    says: 'the example in README, in either language, gets the replies that it shows',
    breaks: 'prompt: omit the history',
    from: 'CONTRIBUTING.md: Style',
  },
  'settings.demo-fallback': {
    says: 'serve uses the demo model only when no other is configured, and reports it',
    breaks: 'demo-fallback.ts: fall back although OPENAI_API_KEY is set',
    from: 'docs/configuration.md',
  },
  'settings.redis-login': {
    says: 'REDIS_USERNAME and REDIS_PASSWORD log in to the Redis of REDIS_URL, whatever characters they contain',
    breaks: 'connect.ts urlWithLogin: do not encode the password',
    from: 'docs/configuration.md',
  },
  'cli.sessions.unreadable': {
    says: 'sessions show names each unreadable key of a session, and why',
    breaks: 'sessions.ts showSession: treat a corrupt session as missing',
    from: 'docs/operations.md: Commands',
  },
  'cli.sessions.other-format': {
    says: 'sessions list, show and delete do not touch keys in an unknown layout',
    breaks: 'operator-commands addSessions: do not refuse another format',
    from: 'docs/operations.md: Commands',
  },
  'cli.version': {
    says: 'the program prints its version, which is that of its package',
    breaks: 'program.ts: omit version()',
    from: 'docs/operations.md: Commands',
  },
  'reconcile.index.gone': {
    says: 'reconcile removes the entries of expired sessions from the index of all and of each owner',
    breaks: 'index-repair #removeGone: do not settle',
    from: 'docs/guarantees.md: Leaving and forgetting',
  },
  'reconcile.index.lost': {
    says: 'reconcile restores the sessions that an index lost',
    breaks: 'reconcile-store: do not call index.add',
    from: 'docs/guarantees.md: Leaving and forgetting',
  },
  'reconcile.counts': {
    says: 'reconcile corrects message_count whatever its value, and the session answers again',
    breaks: 'repair-session: trust the number of dropped messages',
    from: 'docs/guarantees.md: Leaving and forgetting',
  },
  'reconcile.counts.no-old-history': {
    says: 'after a repair no replica sends the model the old history from its cache',
    breaks: 'include/history history_since: do not compare the last id',
    from: 'docs/operations.md: Reconcile',
  },
  'reconcile.queue': {
    says: 'reconcile drops queue entries without a turn, and the next one starts',
    breaks: 'repair-session: do not drop entries',
    from: 'docs/operations.md: Reconcile',
  },
  'reconcile.freed': {
    says: 'reconcile frees a session that a turn without a record keeps busy',
    breaks: 'repair-session: do not clear the running turn',
    from: 'docs/operations.md: Reconcile',
  },
  'reconcile.ttl': {
    says: 'reconcile restores the TTL of every key of a session',
    breaks: 'repair-session: skip keys without a TTL',
    from: 'docs/operations.md: Reconcile',
  },
  'reconcile.running': {
    says: 'a turn of a dead replica missing from the list of live turns is taken over after a reconcile',
    breaks: 'reconcile-store: do not call running.add',
    from: 'docs/operations.md: Reconcile',
  },
  'reconcile.twice': {
    says: 'a second reconcile changes nothing',
    breaks: 'index-repair: no tolerance, and a score of its own making',
    from: 'docs/operations.md: Reconcile',
  },
  'reconcile.dry-run': {
    says: 'a dry run reports what a reconcile would do and changes nothing',
    breaks: 'settle: ignore isDryRun',
    from: 'docs/operations.md: Reconcile',
  },
  'reconcile.corrupt': {
    says: 'keys that cannot be repaired are reported and left alone, and all others are repaired',
    breaks: 'repair-session: ignore the types of keys',
    from: 'docs/operations.md: Reconcile',
  },
  'connection.no-foreign-bytes': {
    says: 'bytes that are not a request, sent while a reply is pending, close the connection and add nothing to the reply',
    breaks: 'broken-requests #owes: return false',
    from: 'docs/protocol.md: Resume',
  },
  'connection.close-is-kept': {
    says: 'a stream closes its connection when the client asked for that, and keeps it otherwise',
    breaks: 'sse-sink open: leave the connection header to the plugin',
    from: 'docs/protocol.md: Resume',
  },
  'connection.slow-request': {
    says: 'a request that is not complete within 30 s is 408 request_timeout by then',
    breaks: 'app: leave headersTimeout at its default',
    from: 'docs/protocol.md: Resume',
  },
  'edited.session': {
    says: 'metadata edited into nonsense is corrupt_session for that session, and hides no other',
    breaks:
      'session-store decodeSummary: Number(…) >= 0 instead of wholeNumber(…); expiresAtMs without a maximum',
    from: 'docs/redis.md: Looking in',
  },
  'edited.turn': {
    says: 'a record edited into nonsense is corrupt_session or read without it, and blocks neither replica nor Redis',
    breaks: 'turn-codec decodeTurn: Number(…) for attempt, joined and times',
    from: 'docs/redis.md: Looking in',
  },
  'edited.lock': {
    says: 'a lock without a turn blocks no turn, and the next turn removes it',
    breaks: 'free-lock: reply OK and leave it',
    from: 'docs/redis.md: Looking in',
  },
  'edited.joined': {
    says: 'a waiting turn whose count of joined messages was edited is answered, and others may join it',
    breaks: 'include/joined joined_count: do not compare with HLEN',
    from: 'docs/redis.md: Looking in',
  },
  'reconcile.live': {
    says: 'reconciles neither repair nor disturb turns that are in progress',
    breaks: 'repair-session: treat waiting turns as gone',
    from: 'docs/operations.md: Reconcile',
  },
  'reconcile.steps': {
    says: 'reconcile walks a large keyspace in bounded steps',
    breaks: 'scan: KEYS instead of SCAN',
    from: 'docs/operations.md: Reconcile',
  },
  'reconcile.once-per-interval': {
    says: 'four workers together run one reconcile each interval, also after one of them is killed',
    breaks: 'worker: a timer in each worker instead of the scheduler',
    from: 'docs/operations.md: Reconcile',
  },
  'reconcile.worker-off': {
    says: 'a replica with WORKER=off runs no job, and a separate worker does',
    breaks: 'serve: always start the worker',
    from: 'docs/operations.md: Reconcile',
  },
  'reconcile.metrics': {
    says: 'every replica shows the sessions and the time of the last reconcile, wherever it ran',
    breaks: 'inspection: do not read the report',
    from: 'docs/operations.md: Reconcile',
  },
  'reconcile.redis-away': {
    says: 'without Redis a replica starts and exits in time, and the job runs once Redis is there, or after it lost its data',
    breaks: 'worker close: wait for BullMQ without a limit',
    from: 'docs/operations.md: Reconcile',
  },
  'reconcile.cluster': {
    says: 'on a Cluster reconcile finds the sessions of every master',
    breaks: 'scan: walk only one node',
    from: 'docs/operations.md: Reconcile',
  },
  'reconcile.other-format': {
    says: 'keys in another layout are not touched',
    breaks: 'redis/server/format refuseOtherFormat: accept every layout',
    from: 'docs/operations.md: Reconcile',
  },
  'model.broken-stream': {
    says: 'an answer broken in any of twelve ways is model_error on both routes, and the session is unchanged',
    breaks: 'answer-end: treat an answer without a finish as complete',
    from: 'docs/guarantees.md: Whole, once, or not at all',
  },
  'model.silent': {
    says: 'a model that never begins, or falls silent, is model_timeout in time, and its call is aborted',
    breaks: 'ask-model CallDeadline: ignore silence',
    from: 'docs/models.md: What is read',
  },
  'model.babbling': {
    says: 'an answer over MAX_OUTPUT_BYTES is model_error and its call aborted; one of exactly that length is stored',
    breaks: 'ask-model: ignore maxOutputBytes',
    from: 'docs/models.md: What is read',
  },
  'model.turn-max': {
    says: 'a turn whose answer trickles on is model_timeout after TURN_MAX_SECONDS',
    breaks: 'ask-model CallDeadline: no total time',
    from: 'docs/models.md: What is read',
  },
  'model.retries': {
    says: 'a call is retried unchanged MODEL_MAX_RETRIES times, but only before any part of an answer arrived',
    breaks: 'model/openai: no retries',
    from: 'docs/models.md: What is read',
  },
  'model.odd-usage': {
    says: 'usage that is not three counts is null, and a finish reason of any length is not an error',
    breaks: 'chunk: take the numbers of usage as they are; answer-reader: do not cut the reason',
    from: 'docs/models.md: What is read',
  },
  'model.thinks-aloud': {
    says: 'a model that streams reasoning past the first-token timeout is waited for; one that stops is not',
    breaks: 'openai ask: no sign for a chunk without text',
    from: 'docs/models.md: What is read',
  },
  'model.endless-line': {
    says: 'a line without an end is model_error once it is longer than any answer could be, and its call is aborted',
    breaks: 'answer-reader: create the parser without maxBufferSize',
    from: 'docs/models.md: What is read',
  },
  'model.without-done': {
    says: 'an answer that finishes but lacks the last [DONE] is complete',
    breaks: 'answer-end VERDICTS: finished and closed is cut',
    from: 'docs/models.md: What is read',
  },
  'context.window': {
    says: 'a prompt is the system prompt, the newest whole turns that fit, and the message; the rest remains stored',
    breaks: 'prompt wholeTurns: treat every message as a turn',
    from: 'docs/models.md: What is sent',
  },
  'context.long-history': {
    says: 'a turn on a history of ten thousand messages reads only its end',
    breaks: 'turn-context HISTORY_TAIL: ten thousand',
    from: 'docs/models.md: What is sent',
  },
  'context.one-character': {
    says: 'long runs of one character are tokenized in pieces, without holding up others',
    breaks: 'tokens: count a text in one piece',
    from: 'docs/models.md: What is sent',
  },
  'clients.stalled': {
    says: 'stalled readers hold up neither the turn nor others, and cost a socket each, not their backlog',
    breaks: 'sse-sink and event-log: give a reader everything in one piece',
    from: 'docs/protocol.md: Resume',
  },
  'clients.vanish.continue': {
    says: 'a client that vanishes mid-turn, on either route, costs nothing: its turn is answered and stored',
    breaks: 'stop-if-unread: ignore onDisconnect',
    from: 'docs/guarantees.md: Reading and stopping',
  },
  'clients.vanish.cancel': {
    says: 'with ON_DISCONNECT=cancel the model call ends within a second after the last reader leaves, and its text is kept',
    breaks: 'stop-if-unread: do nothing',
    from: 'docs/protocol.md: Resume',
  },
  'clients.heartbeat': {
    says: 'an idle stream sends a comment within sixteen seconds, and no event',
    breaks: 'heartbeats EVERY_MS: a minute',
    from: 'docs/protocol.md: Resume',
  },
  'clients.text-forges-nothing': {
    says: 'any model text arrives unchanged, live, replayed, in the JSON reply and in history, and forges no event',
    breaks: 'native-dialect frameOf: trim a delta',
    from: 'docs/protocol.md: Resume',
  },
  'settings.all-mistakes-at-once': {
    says: 'serve names every mistake in the settings at once, prints no secret, and exits 2',
    breaks: 'config readConfig: throw at the first mistake',
    from: 'docs/configuration.md',
  },
  'settings.cross-checks': {
    says: 'settings that are wrong only in combination are named, and serve exits 2',
    breaks: 'config: omit the cross-checks',
    from: 'docs/configuration.md',
  },
  'settings.auth': {
    says: 'serve exits 2 on an unknown AUTH, and on AUTH=none when other machines can reach it',
    breaks: 'config: omit the listener checks',
    from: 'docs/configuration.md',
  },
  'settings.readable-is-usable': {
    says: 'an unusable setting is named before anything starts: a proxy that is not an address, a bad port, a missing file',
    breaks: 'settings: accept any text for TRUST_PROXY and REDIS_CA_FILE, any digits for a port',
    from: 'docs/configuration.md',
  },
  'settings.port-taken': {
    says: 'a command that cannot listen prints one line and exits 1',
    breaks: 'program exitCodeOf: rethrow what listen throws; do not exit',
    from: 'docs/configuration.md',
  },
  'client.sse.any-split': {
    says: 'the client of the page reads the same events wherever the bytes are split and however lines end',
    breaks: 'sse push: do not hold back a CR at the end of a chunk',
    from: 'docs/protocol.md: Resume',
  },
  'client.say.over-cuts': {
    says: 'the client of the page yields each event once, in order, over cuts and a change of replica',
    breaks: 'turns follow: resume from the start, not after the last event',
    from: 'docs/protocol.md: Resume',
  },
  'client.say.once': {
    says: 'a message that the client of the page retries, not knowing that it arrived, is one turn',
    breaks: 'turns say: send no Idempotency-Key',
    from: 'docs/protocol.md: Resume',
  },
  'client.say.refused': {
    says: 'the client of the page throws the code of a refusal at once, and retries while no server answers',
    breaks: 'errors isPassing: always true',
    from: 'docs/protocol.md: Resume',
  },
  'client.follow.settled': {
    says: 'following a turn after its last event reports it settled, and an unknown turn is an error',
    breaks: 'turns resume: treat 204 as a stream',
    from: 'docs/protocol.md: Resume',
  },
  'cli.sessions.list': {
    says: 'sessions list shows the live sessions of an owner as a table and as JSON',
    breaks: 'operator-commands: do not pass the owner on',
    from: 'docs/operations.md: Commands',
  },
  'cli.sessions.show': {
    says: 'sessions show prints the metadata of a session, what runs and what was said',
    breaks: 'cli/sessions showSession: omit what runs and waits',
    from: 'docs/operations.md: Commands',
  },
  'cli.sessions.delete': {
    says: 'sessions delete removes a session, and its running turn ends',
    breaks: 'cli/sessions deleteSession: exit 0 for a missing session',
    from: 'docs/operations.md: Commands',
  },
  'cli.terminal.harmless': {
    says: "text from callers cannot control an operator's terminal",
    breaks: 'cli/terminal printable: return the text unchanged',
    from: 'docs/operations.md: Commands',
  },
  'cli.reconcile': {
    says: 'reconcile runs once and reports as a table and as JSON',
    breaks: 'operator-commands: do not pass --dry-run on',
    from: 'docs/operations.md: Commands',
  },
  'cli.usage': {
    says: 'each command has help, and its exit codes distinguish the errors',
    breaks: 'program exitCodeOf: 1 for a mistake on the command line',
    from: 'docs/operations.md: Commands',
  },
  'cli.worker.no-model': {
    says: 'worker needs no model and exits on SIGTERM',
    breaks: 'process/worker: require a model in the settings',
    from: 'docs/operations.md: Commands',
  },
  'cli.web': {
    says: 'web serves the page, gives it the URL of the API, and lets it connect to no other server',
    breaks: 'process/web: connect-src without the origin of the API',
    from: 'docs/operations.md: Commands',
  },
  'doctor.well': {
    says: 'doctor reports no problem while turns wait and run, and exits 0',
    breaks: 'repair-session: treat a live turn as gone',
    from: 'docs/operations.md: Commands',
  },
  'doctor.redis': {
    says: 'doctor fails on a Redis that evicts, has another layout, or does not answer',
    breaks: 'cli/check-server checkEviction: accept every policy',
    from: 'docs/operations.md: Commands',
  },
  'doctor.settings': {
    says: 'doctor names each invalid setting',
    breaks: 'run-doctor: read the settings without those for serving',
    from: 'docs/operations.md: Commands',
  },
  'doctor.model': {
    says: 'doctor reports a model that is silent, refuses the key, or does not exist',
    breaks: 'cli/check-model: only warn of a silent server',
    from: 'docs/operations.md: Commands',
  },
  'doctor.invariants': {
    says: 'doctor finds each kind of broken session, and reconcile repairs those that can be repaired',
    breaks: 'cli/check-sessions hasFallen: invert the comparison',
    from: 'docs/operations.md: Commands',
  },
  'doctor.sample': {
    says: 'doctor checks a bounded sample, or all sessions on request',
    breaks: 'cli/check-sessions: ignore the limit',
    from: 'docs/operations.md: Commands',
  },
  'log.no-content': {
    says: 'the log names every failure, and contains no message, answer, key or password, whatever fails',
    breaks:
      'logger: pino.stdSerializers.errWithCause for err; openai: pass on the error of the SDK as the cause',
    from: 'docs/operations.md: What to watch',
  },
  'log.demo-model': {
    says: 'the log says at the start when the model is the built-in demo, and only then',
    breaks: 'serve: no warning about DEMO_MODEL',
    from: 'docs/operations.md: What to watch',
  },
  'model.endless-event': {
    says: 'an endless event, made of lines that end, is model_error, and its call is aborted',
    breaks: 'answer-reader: create the parser without maxBufferSize',
    from: 'docs/models.md: What is read',
  },
  'model.tiny-events': {
    says: 'a flood of tiny events is read as it arrives, without holding up others',
    breaks: 'answer-reader feed: copy the rest for each comment',
    from: 'docs/models.md: What is read',
  },
  'model.half-pairs': {
    says: 'characters that a model splits in two arrive whole, and half of one never does',
    breaks: 'answer-reader: emit the text as it was sent',
    from: 'docs/models.md: What is read',
  },
  'context.large-messages': {
    says: 'only the needed part of a history of large messages is read, for a prompt or a page, without holding up others',
    breaks: 'include/history history_since: no TAIL_BYTES',
    from: 'docs/models.md: What is sent',
  },
  'settings.no-credentials': {
    says: 'a model URL with a password is refused, and not repeated',
    breaks: 'settings url: accept user and password',
    from: 'docs/configuration.md',
  },
  'model.wire.shapes': {
    says: 'an answer in any format that servers send is streamed and stored whole on both routes',
    breaks: 'chunk readChunk: read text only from strings',
    from: 'docs/models.md: What is read',
  },
  'model.wire.letters': {
    says: 'characters whose bytes arrive one at a time are whole',
    breaks: 'answer-reader feed: bytes.toString()',
    from: 'docs/models.md: What is read',
  },
  'model.wire.errors': {
    says: 'an answer that breaks off is never done, whatever the server claims; the log has the code, and none of the text',
    breaks: 'answer-end itemOfReason: treat every reason as finish',
    from: 'docs/models.md: What is read',
  },
  'model.filter': {
    says: 'a content filter after text ends the answer with its reason; before any text it is a refusal, with status 200',
    breaks: 'answer-end NEXT_STATE: empty, filter: finished-empty',
    from: 'docs/models.md: What is read',
  },
  'model.refused': {
    says: 'what a model server refuses for good is model_refused with its status, asked once, and the same under its key',
    breaks: 'model-failure PERMANENT: empty',
    from: 'docs/models.md: What is read',
  },
  'model.heartbeats': {
    says: 'heartbeats neither make nor end an answer; alone they keep a call alive for ten times the idle timeout at most',
    breaks: 'ask-model heardSign: listen for the whole silence',
    from: 'docs/models.md: What is read',
  },
  'message.blank': {
    says: 'a message of only white space is refused, because strict models refuse it',
    breaks: 'limits checkInput: refuse only the empty message',
    from: 'docs/errors.md',
  },
  'model.stream-options': {
    says: 'a server that refuses stream_options, in any words, is answered without it from then on; doctor and the log say so',
    breaks: 'needs needsBehind: ignore vague refusals',
    from: 'docs/models.md: What is read',
  },
  'model.alternating': {
    says: 'a server that requires alternating roles gets neighbours of one role joined after its first refusal, whatever the status; history keeps them apart',
    breaks: 'needs: no alternating roles',
    from: 'docs/models.md: What is read',
  },
  'model.no-system': {
    says: 'a server that accepts no system message gets the system prompt in front of the first user message',
    breaks: 'needs: no system messages stay',
    from: 'docs/models.md: What is read',
  },
  'model.needs.certain': {
    says: 'a refusal that names another reason is not taken as a need: the model is asked once',
    breaks: 'model-failure isVague: true for every 400',
    from: 'docs/models.md: What is read',
  },
  'model.extra-body': {
    says: 'MODEL_EXTRA_BODY is merged into every request, and null removes a field',
    breaks: 'openai bodyFor: keep null',
    from: 'docs/models.md: What is read',
  },
  'model.proxy': {
    says: 'the model is called through the proxy of the environment, lower case included; NO_PROXY and this host bypass it',
    breaks: 'connection: no proxies',
    from: 'docs/models.md: What is read',
  },
  'context.outgrown': {
    says: 'a conversation that outgrows the window of the model continues with less history, in whole turns, and learns how much fits',
    breaks: 'ask-within-window: rethrow the refusal',
    from: 'docs/models.md: What is sent',
  },
  'context.refused': {
    says: 'a history that the model refuses for its content does not lock its session: it is asked once without it',
    breaks: 'ask-within-window mayHelp: only too_long',
    from: 'docs/models.md: What is sent',
  },
  'resume.post-again': {
    says: 'the same POST with its key and Last-Event-ID continues after that event, on any replica; 204 if it was the last',
    breaks: 'chat-routes: always from BEFORE_ALL',
    from: 'docs/protocol.md: Resume',
  },
  'resume.by-query': {
    says: 'a client that cannot set headers continues after ?lastEventId; a header takes precedence',
    breaks: 'turn-routes: only the header',
    from: 'docs/protocol.md: Resume',
  },
  'stream.head': {
    says: 'HEAD on a stream returns its head at once, and holds neither the connection nor a reader slot',
    breaks: 'turn-routes: leave HEAD to Fastify',
    from: 'docs/protocol.md: Resume',
  },
  'cors.origins': {
    says: 'app and extension origins can be allowed; an origin is compared as browsers send it, and one that no browser sends is refused at the start',
    breaks: 'setting-readers originOf: the text unchanged',
    from: 'docs/configuration.md: Callers',
  },
  'bodies.none': {
    says: 'a request without a body may have any content type; a route that needs a body says so',
    breaks: 'bodies: keep the content type of an empty body',
    from: 'docs/errors.md',
  },
  'cost.commands': {
    says: 'a turn sends no more commands to Redis, and runs no more in scripts, than were counted when it was last made cheaper',
    breaks: 'admit-turn: renew the TTL of every key of the session',
    from: 'docs/decisions/0018-what-a-turn-costs-in-redis.md',
  },
} as const satisfies Ledger;

export const { promise, processPromise } = keeperOf(PROMISES);
