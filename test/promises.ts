/**
 * The ledger: every promise that a test keeps, by id.
 *
 * `says` is the title of its test, `breaks` names the change of the code that must turn the test red,
 * `seenRed` tells whether someone made that change and saw it.
 */
export const promises = {
  'demo.name.remembers': {
    says: 'the demo model answers with the name that an earlier message told',
    breaks: 'demo-answers nameTold: look only at the newest message',
    seenRed: true,
  },
  'demo.name.only-shown': {
    says: 'the demo model knows no name that its messages do not tell',
    breaks: 'demo-answers: keep the last name in a module variable',
    seenRed: true,
  },
  'demo.name.question-is-no-name': {
    says: 'a question about the name is never taken for a name',
    breaks: 'demo-answers namesIn: drop the noName filter',
    seenRed: true,
  },
  'demo.stream.openai-client': {
    says: 'the official openai client streams an answer of the demo model with its usage',
    breaks: 'demo-model: leave out the usage chunk',
    seenRed: true,
  },
  'demo.stream.stops-when-client-leaves': {
    says: 'the demo model stops an answer when its client leaves',
    breaks: 'demo-model: do not abort the signal on close of the response',
    seenRed: true,
  },
  'demo.long-answer': {
    says: 'the demo model writes an answer of the length asked for, with heading, list and code',
    breaks: 'demo-answers lengthWanted: return undefined',
    seenRed: true,
  },
  'demo.words.join': {
    says: 'the words of a streamed answer join to exactly the answer',
    breaks: 'demo-answers wordsOf: drop the leading blanks of a word',
    seenRed: true,
  },
  'demo.errors.openai-shaped': {
    says: 'the demo model refuses what it cannot answer with an error of the OpenAI shape',
    breaks: 'demo-model readCompletion: accept any model name',
    seenRed: true,
  },
  'support.sse.any-split': {
    says: 'the event parser reads the same events wherever the bytes are split and however lines end',
    breaks: 'parse-sse push: do not hold back a CR at the end of a piece',
    seenRed: true,
  },
  'support.sse.cut-is-told': {
    says: 'the event reader tells a stream that ended from one that was cut',
    breaks: "sse: always report 'terminal'",
    seenRed: true,
  },
  'support.ledger.load': {
    says: 'a promise that is not in the ledger, or says something else there, fails at load',
    breaks: 'promise: do not compare the sentence',
    seenRed: true,
  },
  'support.model.records': {
    says: 'the scripted model records what it was asked and notices a client that leaves',
    breaks: 'scripted-model: do not set aborted',
    seenRed: true,
  },
  'support.model.gate': {
    says: 'a gate holds the scripted model at its place until it is opened',
    breaks: 'model-script wait: do not await the gate',
    seenRed: true,
  },
  'takeover.kill.reader-sees-it-go-on': {
    says: 'a reader on another replica sees a killed turn restarted and then answered whole',
    breaks: 'serve: do not look for turns of dead replicas',
    seenRed: true,
  },
  'takeover.kill.nobody-watches': {
    says: 'a killed turn is taken over with no reader and nobody waiting',
    breaks: 'serve: do not look for turns of dead replicas',
    seenRed: true,
  },
  'takeover.kill.order-behind-it': {
    says: 'turns behind a killed one keep their order, those that waited on the dead replica too',
    breaks: 'claim-turn: give an adopted turn a new ticket',
    seenRed: true,
  },
  'takeover.kill.twice': {
    says: 'a turn whose second replica dies too fails as attempts_exhausted, and its readers are told',
    breaks: 'claim-turn: never say exhausted',
    seenRed: true,
  },
  'sleeper.writes-nothing': {
    says: 'a replica that slept past its lease writes nothing, and its own client gets the true answer',
    breaks: 'end-turn, append-log and beat-turn: drop the fence checks',
    seenRed: true,
  },
  'cancel.running.any-replica': {
    says: 'cancel from another replica aborts the model call within a second and keeps the logged deltas',
    breaks: 'cancel-turn: answer without waiting for the end',
    seenRed: true,
  },
  'cancel.running.before-first-token': {
    says: 'cancel before the first token leaves nothing',
    breaks: 'ending keptOf: cancel always keeps the user message',
    seenRed: true,
  },
  'cancel.waiting': {
    says: 'a waiting turn that is cancelled ends at once, and the model never hears of it',
    breaks: 'withdraw-turn: leave the turn in the queue',
    seenRed: true,
  },
  'cancel.frozen-replica': {
    says: 'cancel of a turn whose replica is frozen ends it from its log within a second',
    breaks: 'cancel-turn: wait without seizing',
    seenRed: true,
  },
  'delete.ends-turns-everywhere': {
    says: 'deleting a session ends its running and waiting turns with session_deleted on every replica, and nothing comes back',
    breaks: 'delete-session: leave the metadata',
    seenRed: true,
  },
  'isolation.replica.same-history': {
    says: 'a replica that never saw a session shows the model exactly the history that another replica made',
    breaks: 'run-turn: leave the history out of the prompt',
    seenRed: true,
  },
  'isolation.replica.killed': {
    says: 'the history that a replica made is whole on the others after it was killed',
    breaks: 'run-turn: leave the history out of the prompt',
    seenRed: true,
  },
  'isolation.sessions.two': {
    says: 'two sessions that alternate over all replicas never see a word of each other',
    breaks: 'run-turn: leave the history out of the prompt',
    seenRed: true,
  },
  'isolation.sessions.thirty': {
    says: 'thirty parallel sessions on random replicas each get prompts of their own history alone',
    breaks: 'run-turn: leave the history out of the prompt',
    seenRed: true,
  },
  'isolation.cache.same-bytes': {
    says: 'the model gets the same bytes whether replicas keep histories in memory or not',
    breaks: 'history-cache append: forget the first message of a commit',
    seenRed: true,
  },
  'isolation.delete.knows-nothing': {
    says: 'a session made anew under a deleted id knows nothing of the old one, on every replica',
    breaks: 'session.include history_for: compare neither epoch nor fence',
    seenRed: true,
  },
  'isolation.prefix.two-deployments': {
    says: 'two deployments with different key prefixes on one Redis do not see each other',
    breaks: 'keys makeKeys: ignore the prefix',
    seenRed: true,
  },
  'busy.interrupt': {
    says: 'interrupt stops the running turn, keeps what it said, and runs ahead of those waiting',
    breaks: 'admit-turn: give an interrupt an ordinary ticket',
    seenRed: true,
  },
  'busy.interrupt.before-first-token': {
    says: 'an interrupted turn that has said nothing keeps its user message',
    breaks: 'ending keptOf: interrupt like cancel',
    seenRed: true,
  },
  'busy.rollback': {
    says: 'rollback stops the running turn and leaves nothing of it',
    breaks: 'ending keptOf: rollback like interrupt',
    seenRed: true,
  },
  'busy.interrupt.later-first': {
    says: 'of two interrupts the later goes first',
    breaks: 'admit-turn: do not negate the ticket but take a fixed one below all',
    seenRed: true,
  },
  'busy.coalesce': {
    says: 'coalesce joins the last waiting turn: one answer for all, the same for each joiner, on any replica',
    breaks: 'admit-turn: never answer JOIN',
    seenRed: true,
  },
  'busy.coalesce.cancel': {
    says: 'cancelling a coalesced turn ends all who joined',
    breaks: 'admit-turn: never answer JOIN',
    seenRed: true,
  },
  'busy.coalesce.alone': {
    says: 'coalesce with none waiting waits like enqueue',
    breaks: 'admit-turn: answer JOIN with the running turn',
    seenRed: true,
  },
  'busy.position': {
    says: 'a waiting stream hears its position as those before it end',
    breaks: 'wait-turn: do not tell positions',
    seenRed: true,
  },
  'resume.every-place': {
    says: 'resuming after any event of a turn, from any replica, gives exactly the events after it',
    breaks: 'event-log read: do not filter events of a batch',
    seenRed: true,
  },
  'resume.nothing-left': {
    says: 'who has the last event of a turn, or names a place behind it, gets 204, whether its log is there or lost',
    breaks:
      'follow-turn hasAllEvents: compare with the last event of the log for equality; fromRecord: count from the place of the reader',
    seenRed: true,
  },
  'resume.live-many-viewers': {
    says: 'viewers who come while a turn runs, on any replica, see the same whole turn, each event once',
    breaks: 'follow-turn fromLog: read each time from the same place',
    seenRed: true,
  },
  'resume.refusals': {
    says: 'a turn that is not there is 404, an event id that is not one is 400',
    breaks: 'routes/turns placeAfter: take any text for the beginning',
    seenRed: true,
  },
  'repeat.same-turn': {
    says: 'fifty requests with one Idempotency-Key on three replicas are one turn with one answer',
    breaks: 'admit-turn: do not look at the idempotency key',
    seenRed: true,
  },
  'repeat.either-route': {
    says: 'the same key is the same turn by either route, while it runs and after it ended',
    breaks: 'admit-turn: do not look at the idempotency key',
    seenRed: true,
  },
  'repeat.other-content': {
    says: 'the same key with another message or on_busy is 422',
    breaks: 'submit-turn earlierTurn: do not compare the request',
    seenRed: true,
  },
  'repeat.failed-runs-anew': {
    says: 'a turn that failed retryably runs anew under its key',
    breaks: 'submit-turn earlierTurn: never run anew',
    seenRed: true,
  },
  'repeat.after-death': {
    says: 'a key whose replica died, before or after the answer, still means the one turn',
    breaks: 'serve: do not look for turns of dead replicas',
    seenRed: true,
  },
  'order.two-hundred': {
    says: 'two hundred turns of one session over four replicas run in the order of admission, each shown all before it',
    breaks: 'admit-turn: give each waiting turn a random ticket',
    seenRed: true,
  },
  'order.woken': {
    says: 'a waiting turn is woken on whichever replica it waits: the median hand-off is far below a re-check',
    breaks: 'session.include wake_next: do not publish',
    seenRed: true,
  },
  'order.sessions-parallel': {
    says: 'a session never waits for another: forty turns of forty sessions are with the model at once',
    breaks: 'submit-turn start: run one turn at a time on a replica',
    seenRed: true,
  },
  'order.reject': {
    says: 'on_busy reject answers 409 with the turn in the way, where to read it, and how many are ahead',
    breaks: 'admit-turn: let reject wait like enqueue',
    seenRed: true,
  },
  'order.queue-full': {
    says: 'one more than QUEUE_MAX waiting turns is 429 queue_full with Retry-After, the running one not counted',
    breaks: 'admit-turn: do not compare with the most waiting turns',
    seenRed: true,
  },
  'order.queue-timeout': {
    says: 'a turn that waited QUEUE_WAIT_SECONDS ends with queue_timeout, 503 by JSON, and nothing of it is kept',
    breaks: 'wait-turn: do not look at the time waited',
    seenRed: true,
  },
  'order.waiting-client-leaves': {
    says: 'a waiting turn whose client left runs in its place, or never when ON_DISCONNECT is cancel',
    breaks: 'follow-turn fromFeed: never ask an abandoned turn to stop',
    seenRed: true,
  },
  'clock.slow-first-reading': {
    says: 'a replica that heard the time of Redis late once still takes turns in, while Redis answers in good time',
    breaks: 'clock: learn from the first reading and from no refusal',
    seenRed: true,
  },
  'api.chat.reply': {
    says: 'a JSON chat answers with reply, ids, count, finish reason and usage, and nothing else',
    breaks: 'routes/chat announce: leave X-Turn-ID out',
    seenRed: true,
  },
  'api.chat.new-session': {
    says: 'a chat without conversation_id begins a session of its own under an id nobody can guess',
    breaks: 'routes/chat: name every new session alike',
    seenRed: true,
  },
  'api.stream.events': {
    says: 'a streamed chat sends its ids in the head, then started, deltas and done, each with an id that rises',
    breaks: 'routes/chat announce: leave X-Turn-ID out',
    seenRed: true,
  },
  'api.chat.cancelled': {
    says: 'a JSON chat that is cancelled answers 200 with the text so far, and cancel answers the same again',
    breaks: 'json-reply: answer a cancelled turn with an error',
    seenRed: true,
  },
  'api.turn.each-status': {
    says: 'a turn can be looked up in each of its states, null where not yet',
    breaks: 'turn-codec: leave position out',
    seenRed: true,
  },
  'api.cors': {
    says: 'a page on an allowed origin may call and read the ids of a turn on both routes; another origin may not',
    breaks: 'app: do not expose headers to pages',
    seenRed: true,
  },
  'api.request-id': {
    says: 'a request is named by the id its caller gave, when it is a harmless one',
    breaks: 'app genReqId: take any text of the caller',
    seenRed: true,
  },
  'api.sessions.shape': {
    says: 'a session tells its title, times and count, the same alone and in the list, which is newest access first',
    breaks: 'session titleFrom: cut by UTF-16 units',
    seenRed: true,
  },
  'api.sessions.from-admission': {
    says: 'a session exists, empty, from the admission of its first turn, and stays when that turn fails',
    breaks: 'session-store decodeSummary: count the running turn',
    seenRed: true,
  },
  'api.sessions.pages': {
    says: 'paging by cursor shows each session that holds still once, while others are used, made and deleted',
    breaks: 'session-index: begin a page with the last of the page before',
    seenRed: true,
  },
  'api.messages.pages': {
    says: 'messages come oldest first, the newest hundred unless asked otherwise, and page back to the beginning',
    breaks: 'session-store messages: say has_more only without before',
    seenRed: true,
  },
  'api.messages.committed-only': {
    says: 'a running turn shows nothing in the messages until it is committed',
    breaks: 'session-store decodeSummary: count the running turn',
    seenRed: true,
  },
  'api.sessions.rename': {
    says: 'a title that was set stays, and nothing else of the session changes',
    breaks: 'rename-session: make the session when it is missing',
    seenRed: true,
  },
  'api.sessions.delete': {
    says: 'a deleted session is gone from every route, once',
    breaks: 'delete-session: keep the list of messages',
    seenRed: true,
  },
  'api.health': {
    says: 'health tells healthy, and how many sessions live',
    breaks: 'session-store remove: leave the session in the index',
    seenRed: true,
  },
  'api.health.without-redis': {
    says: 'without Redis health and readiness say 503 and a chat is refused within a second, and all comes back by itself',
    breaks: 'connect: commandTimeout and socketTimeout of seconds',
    seenRed: true,
  },
  'api.readyz.draining': {
    says: 'after SIGTERM readiness says draining at once, the process still lives and takes turns in, then exits 0',
    breaks: 'live-turns leave: refuse turns at once',
    seenRed: true,
  },
  'api.metrics': {
    says: 'metrics are Prometheus text that counts turns by outcome',
    breaks: 'wiring: do not count ended turns; inspection metrics: leave Nan as it is',
    seenRed: true,
  },
  'api.docs': {
    says: 'the documentation page is served with all that it loads',
    breaks: 'app: leave swagger-ui out',
    seenRed: true,
  },
  'metrics.every-end': {
    says: 'every turn that ends is counted where it was ended: cancelled or timed out while it waited, or taken from a dead or frozen replica',
    breaks: 'cancel-turn, wait-turn withdraw, end-seized: do not tell the observer (each by itself)',
    seenRed: true,
  },
  'api.errors.method': {
    says: 'a route asked with a method it has not answers 405 with the methods it has, in the shape of all errors',
    breaks: 'app: do not add answers for missing methods; method-not-allowed: answer only in the handler',
    seenRed: true,
  },
  'api.errors.no-route': {
    says: 'an unknown route is 404 not_found in the shape of all errors, by any method',
    breaks: "error-reply: leave Fastify's own answer for unknown routes",
    seenRed: true,
  },
  'api.openapi.routes': {
    says: 'every route is described, with the kind of its answer, its errors, and a strict body',
    breaks: 'routes/sessions: hide a route from the description',
    seenRed: true,
  },
  'api.openapi.headers-and-events': {
    says: 'the headers that a client sends and gets, every event of a stream, and the version are described as they are',
    breaks: 'schemas: no headers in ResumeHeaders, ChatReply or ErrorReply; an event stream as a string',
    seenRed: true,
  },
  'api.openapi.replies': {
    says: 'the replies of every route are what the description says',
    breaks: 'routes/turns wireTurn: a position that is no whole number',
    seenRed: true,
  },
  'bad-input.body': {
    says: 'a body that is not the object asked for, or has a field too many, is 400, and nothing is written or asked',
    breaks: 'schemas strict: allow further fields',
    seenRed: true,
  },
  'bad-input.id': {
    says: 'a conversation id outside the alphabet is 400 in the body and in every path',
    breaks: 'schemas ConversationId and session isConversationId: any text',
    seenRed: true,
  },
  'bad-input.path': {
    says: 'a path that cannot be read is 400, and a turn id outside the alphabet too',
    breaks: 'schemas TurnParams: any text as turn id',
    seenRed: true,
  },
  'bad-input.query': {
    says: 'a query that is not as documented is 400',
    breaks: 'schemas Limit: any text',
    seenRed: true,
  },
  'bad-input.ids-of-ours': {
    says: 'names that the server uses itself, and every allowed character, are ordinary conversation ids',
    breaks: 'keys: name the metadata of a session by its id alone',
    seenRed: true,
  },
  'arch.rooms.arrows': {
    says: 'rooms import only themselves and what all rooms may, types included',
    breaks: 'http/sse-sink: import a type of redis/keys',
    seenRed: true,
  },
  'arch.rooms.packages': {
    says: 'each room imports only the packages that docs/architecture.md names',
    breaks: 'http/sse-sink: import a type of ioredis',
    seenRed: true,
  },
  'arch.no-cycles': {
    says: 'no file imports itself by a detour, types included',
    breaks: 'conversation/session: import a type of ports',
    seenRed: true,
  },
  'arch.core.pure': {
    says: 'the core imports no package',
    breaks: 'conversation/prompt: import a type of fastify',
    seenRed: true,
  },
  'arch.env.one-reader': {
    says: 'only the entry of the program touches the environment',
    breaks: 'shutdown: ask process.env for a setting',
    seenRed: true,
  },
  'arch.keys.one-maker': {
    says: 'one file spells the keys',
    breaks: 'turn-lookup: spell the key of the metadata',
    seenRed: true,
  },
  'arch.lua.header': {
    says: 'every script says its keys, arguments and answers, and has no others',
    breaks: 'confirm-turn: leave LATE out of the header',
    seenRed: true,
  },
  'arch.lua.keys-declared': {
    says: 'no script makes a key: each one it touches was handed to it',
    breaks: "watch-turn: HSET KEYS[1] .. ':seen'",
    seenRed: true,
  },
  'arch.files.short': {
    says: 'no file has more than 300 lines',
    breaks: 'put 300 empty lines into a file',
    seenRed: true,
  },
  'arch.types.no-way-out': {
    says: 'no file turns the type checker or the linter off',
    breaks: 'clock: make an offset any',
    seenRed: true,
  },
  'arch.no-barrels': {
    says: 'no file only hands on what others export',
    breaks: 'failures: export everything of clock',
    seenRed: true,
  },
  'page.answer.as-it-comes': {
    says: 'an answer stands on the page as far as it was said',
    breaks: 'attend hear: drop deltas; the history alone shows the answer',
    seenRed: true,
  },
  'page.answer.stop': {
    says: 'Escape stops the model, and what it said stays and is marked',
    breaks: 'stop stopOnServer: do not ask the server',
    seenRed: true,
  },
  'page.answer.stop-early': {
    says: 'what was stopped before a word was said goes back into the box',
    breaks: 'settle: give nothing back',
    seenRed: true,
  },
  'page.answer.reload-elsewhere': {
    says: 'a page that is loaded anew in mid-answer goes on where it was, on another replica',
    breaks: 'memory saveTurn: keep nothing once the server has it',
    seenRed: true,
  },
  'page.answer.replica-killed': {
    says: 'when the replica dies in mid-answer the page says that the answer starts again, and shows it once',
    breaks: 'live-turn afterTold: keep the text on restarted',
    seenRed: true,
  },
  'page.answer.network-back': {
    says: 'without a network the page says so, and goes on by itself when it is back',
    breaks: 'turns patiently: throw at once when nobody answers',
    seenRed: true,
  },
  'page.answer.sent-once': {
    says: 'a message whose first try was lost on the way is sent again and is one turn',
    breaks: 'memory savedTurns: only those that the server has',
    seenRed: true,
  },
  'page.answer.sent-in-order': {
    says: 'messages that were written without a server go out in the order in which they were written',
    breaks: 'attend rebalance: send every message at once',
    seenRed: true,
  },
  'page.answer.again': {
    says: 'after an error in the answer one button asks again',
    breaks: 'turns retryTurn: do not rebalance',
    seenRed: true,
  },
  'page.queue.place': {
    says: 'a message sent while one is answered shows its place, can be taken back, and is answered in order',
    breaks: 'live-turn afterTold: forget the position',
    seenRed: true,
  },
  'page.queue.interrupt': {
    says: 'a message may interrupt the answer, which keeps what was said',
    breaks: 'turns say: leave on_busy out',
    seenRed: true,
  },
  'page.tabs.in-step': {
    says: 'a second tab shows the same answer as it comes, and its end',
    breaks: 'tabs tell: say nothing',
    seenRed: true,
  },
  'bad-bytes.headers': {
    says: 'headers that are not as documented are refused with their code',
    breaks: 'schemas IdempotencyHeaders: any length; chat admit: take two keys for one',
    seenRed: true,
  },
  'bad-bytes.type': {
    says: 'a body that is not application/json is 415, and none gets past the schema by an odd content type',
    breaks: 'bodies: read text/plain as well',
    seenRed: true,
  },
  'bad-bytes.not-http': {
    says: 'bytes that are no HTTP request, or no UTF-8, or packed, are refused in the same shape',
    breaks:
      'app: no clientErrorHandler; bodies: do not look at content-encoding; error-reply: no ERROR_HEADERS',
    seenRed: true,
  },
  'bad-bytes.size': {
    says: 'a message or body past its limit, or past the context alone, is 413; one at the limit is answered',
    breaks: 'message-limits: count characters in place of bytes',
    seenRed: true,
  },
  'bad-bytes.heavy-json': {
    says: 'JSON that is deep, wide or long is refused in little more than it takes to parse, without holding up others',
    breaks: 'bodies: walk through a body by recursion',
    seenRed: true,
  },
  'bad-bytes.any-body': {
    says: 'no body whatever makes a route answer 5xx or out of shape: any JSON in any described field',
    breaks: 'routes/chat: throw a plain Error at a conversation id of dots',
    seenRed: true,
  },
  'expiry.together': {
    says: 'all keys of a session end in the same millisecond, while turns run and wait and after they ended',
    breaks: 'session.include session_lives_until: leave the queue out',
    seenRed: true,
  },
  'expiry.idle': {
    says: 'a session is forgotten when nothing happened for SESSION_TTL_SECONDS, and each turn begins that time anew',
    breaks: 'session.include session_lives_until: leave the messages out',
    seenRed: true,
  },
  'expiry.joined-key': {
    says: 'the Idempotency-Key of who joined a waiting turn lives as long as that turn, however long, and then as its record',
    breaks: 'session.include hashes_of: give only the first',
    seenRed: true,
  },
  'expiry.long-turn': {
    says: 'a turn that runs longer than the session lives keeps it, its history, and the turns that wait behind it',
    breaks: 'beat-turn and open-turn: do not renew the ends',
    seenRed: true,
  },
  'expiry.ended-turn': {
    says: 'what is kept of an ended turn lives TURN_LOG_TTL_SECONDS, and no longer than its session',
    breaks: 'end-turn: leave record and log to the end of the session',
    seenRed: true,
  },
  'expiry.most-messages': {
    says: 'past SESSION_MAX_MESSAGES the oldest whole turns go, and the count stays that of all ever said',
    breaks: 'end-turn: drop single messages in place of whole turns',
    seenRed: true,
  },
  'expiry.no-key-for-ever': {
    says: 'after turns that ended every way no key of a session is without an end, and all are gone in time',
    breaks: 'session.include session_lives_until: leave the messages out',
    seenRed: true,
  },
  'docs.errors': {
    says: 'docs/errors.md has every error of the catalogue as it is, and no other',
    breaks: 'errors: make queue_full not retryable',
    seenRed: true,
  },
  'docs.configuration': {
    says: 'docs/configuration.md has every setting as it is read, and no other',
    breaks: 'settings: QUEUE_MAX up to 1000',
    seenRed: true,
  },
  'docs.env-example': {
    says: '.env.example has every setting with its meaning and default, each switched off',
    breaks: 'settings: another default of PORT',
    seenRed: true,
  },
  'docs.settings-named': {
    says: 'every setting that a document or the compose file names exists',
    breaks: 'settings: call MAX_TURNS MOST_TURNS',
    seenRed: true,
  },
  'docs.lifecycle.table': {
    says: 'docs/turn-lifecycle.md has every state by every step, and who makes it',
    breaks: 'turn: a queued turn that restarts runs',
    seenRed: true,
  },
  'docs.lifecycle.picture': {
    says: 'the picture of the life of a turn shows the same steps as the table',
    breaks: 'turn: a queued turn that restarts runs',
    seenRed: true,
  },
  'docs.metrics': {
    says: 'docs/operations.md has every metric as it is, and no other',
    breaks: 'metrics: give turnwise_failures_total another label',
    seenRed: true,
  },
  'docs.redis.keys': {
    says: 'docs/redis.md has every key and channel that the key maker makes, and no other',
    breaks: 'keys: call the queue :waiting',
    seenRed: true,
  },
  'docs.redis.scripts': {
    says: 'docs/redis.md has every script, and who writes each key is a script or says so',
    breaks: 'scripts: add one',
    seenRed: true,
  },
  'docs.protocol.events': {
    says: 'docs/protocol.md has every event that a reader may see, and no other',
    breaks: 'events: add a tool_call',
    seenRed: true,
  },
  'docs.guarantees': {
    says: 'every promise that docs/guarantees.md names is in the ledger',
    breaks: 'promises: take order.woken out',
    seenRed: true,
  },
  'docs.guarantees.each': {
    says: 'every guarantee names the promise that keeps it',
    breaks: 'guarantees.md: take an id away',
    seenRed: true,
  },
  'docs.npm-scripts': {
    says: 'every npm script that a document names exists',
    breaks: 'package.json: call verify check',
    seenRed: true,
  },
  'docs.files-named': {
    says: 'every file that a document names or links to exists',
    breaks: 'move conversation/prompt.ts',
    seenRed: true,
  },
  'docs.decisions': {
    says: 'every decision says question, evidence, choice, price and what would change it, on one page',
    breaks: 'decisions/0003: take Price away',
    seenRed: true,
  },
  'docs.redis.fields': {
    says: 'docs/redis.md has every field that a session and its turns get, and no other',
    breaks: 'admit-turn: add a field to the metadata',
    seenRed: true,
  },
  'docs.redis.types': {
    says: 'every key in Redis is of the type, and ends as, docs/redis.md says',
    breaks: 'session.include session_lives_until: leave the queue out',
    seenRed: true,
  },
  'docs.redis.commands': {
    says: "every redis-cli line of docs/redis.md is a command, and a session's lines show something",
    breaks: 'redis.md: ZRANGE for the log',
    seenRed: true,
  },
  'docs.protocol.routes': {
    says: 'docs/protocol.md has every route of /openapi.json, and no other',
    breaks: 'routes/turns: cancel at /stop',
    seenRed: true,
  },
  'docs.commands': {
    says: 'every command of the program is in README and docs/operations.md, and no other',
    breaks: 'program: call worker jobs',
    seenRed: true,
  },
  'docs.readme.example': {
    says: 'the example of README, in either language, gives the replies that it shows',
    breaks: 'prompt: leave the history out',
    seenRed: true,
  },
  'page.access.light': {
    says: 'axe finds nothing serious in any state of the page in light colours',
    breaks: 'tokens.css: a dim colour of less contrast',
    seenRed: true,
  },
  'page.access.dark': {
    says: 'axe finds nothing serious in any state of the page in dark colours',
    breaks: 'tokens.css: a dim colour of less contrast in the dark',
    seenRed: true,
  },
  'page.isolation': {
    says: 'two conversations of one page, answered at the same time, never see each other',
    breaks: 'thread Entries: read the first conversation that was loaded',
    seenRed: true,
  },
  'page.list.own': {
    says: 'without a key the page lists the conversations of this browser and asks for no others',
    breaks: 'sessions loadList: ask for all sessions without a key too',
    seenRed: true,
  },
  'page.list.change': {
    says: 'a conversation is found by its title, renamed, and deleted after one question',
    breaks: 'sessions renameSession: do not put the answer into the list',
    seenRed: true,
  },
  'page.expired': {
    says: 'when the time of the conversation on view is over the page says that it is gone, before one writes on',
    breaks: 'header Expiry: never ask the server',
    seenRed: true,
  },
  'page.gone': {
    says: 'a conversation that the server has forgotten says so and offers a new one',
    breaks: 'sessions dropSession: leave it ready',
    seenRed: true,
  },
  'page.keyboard': {
    says: 'all of it is done by keyboard: writing, sending, stopping, choosing, renaming, deleting',
    breaks: 'dialog: close it only after it was taken away',
    seenRed: true,
  },
  'page.spoken': {
    says: 'screen readers are told that an answer is being written, and then the whole of it, never its parts',
    breaks: 'attend hear: speak each delta',
    seenRed: true,
  },
  'page.phone': {
    says: 'on a phone nothing runs out of the page, and the list is a drawer that opens and closes',
    breaks: 'prose.css, thread.css: let nothing break or scroll by itself',
    seenRed: true,
  },
  'page.html-harmless': {
    says: 'markup and scripts in a message or an answer are shown as text and do nothing',
    breaks: 'markdown: leave html to the parser, and skip the sanitiser',
    seenRed: true,
  },
  'page.code.copy': {
    says: 'the code of an answer is copied as it was written',
    breaks: 'answer-text: copy the head of the block as well',
    seenRed: true,
  },
  'page.key': {
    says: 'a server that wants a key is given one from the page, in a header alone, and forgets it with the tab',
    breaks: 'http send: put the key into the address',
    seenRed: true,
  },
  'page.words': {
    says: 'the page speaks the language of its browser, and the other one when it is told to',
    breaks: 'preferences setLanguage: do not save the choice',
    seenRed: true,
  },
  'page.self-contained': {
    says: 'the page asks nobody but its own server and the API, keeps to its policy, and is lighter than 150 kB',
    breaks: 'tokens.css: import a font from another host',
    seenRed: true,
  },
  'docs.errors.balancer': {
    says: 'docs/errors.md has every answer of the balancer as it is configured',
    breaks: 'haproxy.cfg: answer 502 with the code internal',
    seenRed: true,
  },
  'docs.compose.settings': {
    says: 'docker-compose.yml hands every setting of .env to the service that reads it',
    breaks: 'docker-compose.yml: leave out QUEUE_MAX',
    seenRed: true,
  },
  'balancer.caller': {
    says: 'a caller behind the balancer cannot say which address it comes from',
    breaks: 'haproxy.cfg: leave out del-header X-Forwarded-For',
    seenRed: true,
  },
  'balancer.head-too-long': {
    says: 'a request head that is too long for a replica gets its 431 through the balancer too',
    breaks: 'haproxy.cfg: leave out tune.bufsize',
    seenRed: true,
  },
  'balancer.answers': {
    says: 'when a replica is lost or none is left, the balancer says so as the server would, and pages may read it',
    breaks: 'haproxy.cfg: leave out the http-error of status 502',
    seenRed: true,
  },
  'settings.demo-fallback': {
    says: 'serve asks the demo model only when no other is named, and says then that it is one',
    breaks: 'demo-fallback.ts: fall back although OPENAI_API_KEY is set',
    seenRed: true,
  },
  'settings.redis-login': {
    says: 'REDIS_USERNAME and REDIS_PASSWORD open a Redis that REDIS_URL names, whatever characters they hold',
    breaks: 'connect.ts urlWithLogin: do not encode the password',
    seenRed: true,
  },
  'cli.sessions.unreadable': {
    says: 'sessions show names each key of a session that cannot be read, and why',
    breaks: 'sessions.ts showSession: take a corrupt session for a missing one',
    seenRed: true,
  },
  'cli.sessions.other-format': {
    says: 'sessions list, show and delete leave keys alone whose layout this version does not know',
    breaks: 'operator-commands addSessions: do not refuse another format',
    seenRed: true,
  },
  'cli.version': {
    says: 'the program tells its version, which is that of its package',
    breaks: 'program.ts: leave out version()',
    seenRed: true,
  },
  'setup.redis-version': {
    says: 'the set-up takes Redis 7 and Valkey 8 or later, whatever the program is called, and nothing older',
    breaks: 'redis-server.mjs productOf: take everything for Redis',
    seenRed: true,
  },
  'page.example': {
    says: 'the example page imports the built client, and shows the answer over a cut, a 502 and a reload',
    breaks: 'errors.ts isPassing: leave out 502',
    seenRed: true,
  },
  'page.example.stop': {
    says: 'the example page stops its answer and keeps what was said',
    breaks: 'examples/page.html: let the click on Stop do nothing',
    seenRed: true,
  },
  'page.example.short': {
    says: 'the example page has at most 60 lines and needs nothing that is not served',
    breaks: 'web.ts: do not let pages of other origins import the client',
    seenRed: true,
  },
  'page.history.long': {
    says: 'a history of 2,000 messages comes in pages, keeps the reader in place and scrolls smoothly',
    breaks: 'use-scroll useKeepPlace: do not move when messages come in above',
    seenRed: true,
  },
  'reconcile.index.gone': {
    says: 'reconcile removes index entries of gone sessions, of all and of each owner',
    breaks: 'index-repair #removeGone: do not settle',
    seenRed: true,
  },
  'reconcile.index.lost': {
    says: 'reconcile puts back the sessions that an index lost',
    breaks: 'reconcile-store: do not call index.add',
    seenRed: true,
  },
  'reconcile.counts': {
    says: 'reconcile makes message_count true whatever stands there, and the session answers again',
    breaks: 'repair-session: trust the number of dropped messages',
    seenRed: true,
  },
  'reconcile.counts.no-old-history': {
    says: 'after a repair no replica shows the model what it remembers of the old history',
    breaks: 'session.include history_for: do not compare the fence of the last known message',
    seenRed: true,
  },
  'reconcile.queue': {
    says: 'reconcile drops queue entries whose turn is gone, and the next one starts',
    breaks: 'repair-session: do not drop entries',
    seenRed: true,
  },
  'reconcile.freed': {
    says: 'reconcile frees a session that a turn without a record keeps busy',
    breaks: 'repair-session: do not clear the running turn',
    seenRed: true,
  },
  'reconcile.ttl': {
    says: 'reconcile gives every key of a session its end again',
    breaks: 'repair-session: leave keys alone that have no TTL',
    seenRed: true,
  },
  'reconcile.running': {
    says: 'a turn of a dead replica that the list of live turns lost is taken over after a reconcile',
    breaks: 'reconcile-store: do not call running.add',
    seenRed: true,
  },
  'reconcile.twice': {
    says: 'a second reconcile changes nothing',
    breaks: 'index-repair: no tolerance, and a score of its own making',
    seenRed: true,
  },
  'reconcile.dry-run': {
    says: 'a dry run tells what a reconcile would do and changes nothing',
    breaks: 'settle: do not look at isDryRun',
    seenRed: true,
  },
  'reconcile.corrupt': {
    says: 'keys that cannot be repaired are reported and left alone, and all others are repaired',
    breaks: 'repair-session: do not look at the types of keys',
    seenRed: true,
  },
  'connection.no-foreign-bytes': {
    says: 'bytes that are no request, sent while an answer is under way or owed, end the connection and add nothing to it',
    breaks: 'broken-requests #owes: return false',
    seenRed: true,
  },
  'connection.close-is-kept': {
    says: 'a stream ends its connection when the client asked for that, and keeps it otherwise',
    breaks: 'sse-sink open: leave the connection header to the plugin',
    seenRed: true,
  },
  'connection.slow-request': {
    says: 'a request that does not arrive whole in 30 s is 408 request_timeout by then',
    breaks: 'app: leave headersTimeout to Node',
    seenRed: true,
  },
  'edited.session': {
    says: 'metadata edited into nonsense is corrupt_session for that session, and hides none of the others',
    breaks: 'session-store decodeSummary: Number(…) >= 0 for wholeNumber(…); expiresAtMs without a greatest',
    seenRed: true,
  },
  'edited.turn': {
    says: 'a record edited into nonsense is corrupt_session or read without it, and neither replica nor Redis is kept busy by it',
    breaks: 'turn-codec decodeTurn: Number(…) for attempt, joined and times',
    seenRed: true,
  },
  'edited.lock': {
    says: 'a lock that no turn holds keeps no turn waiting, and is gone with the next one',
    breaks: 'free-lock: answer OK and leave it',
    seenRed: true,
  },
  'edited.joined': {
    says: 'a waiting turn whose count of joined messages was edited is answered, and others may join it',
    breaks: 'session.include joined_in: do not compare with HLEN',
    seenRed: true,
  },
  'reconcile.live': {
    says: 'reconciles that run while turns go on neither repair nor disturb any of them',
    breaks: 'repair-session: take waiting turns for ones that are gone',
    seenRed: true,
  },
  'reconcile.steps': {
    says: 'reconcile walks a great keyspace in bounded steps',
    breaks: 'scan: KEYS in place of SCAN',
    seenRed: true,
  },
  'reconcile.once-per-interval': {
    says: 'four workers together run one reconcile each interval, also after one of them is killed',
    breaks: 'worker: a timer in each worker in place of the scheduler',
    seenRed: true,
  },
  'reconcile.worker-off': {
    says: 'a replica with WORKER=off runs no job, and a worker beside it does',
    breaks: 'serve: start the worker always',
    seenRed: true,
  },
  'reconcile.metrics': {
    says: 'every replica shows the sessions and the time of the last reconcile, whichever ran it',
    breaks: 'inspection: do not read the report',
    seenRed: true,
  },
  'reconcile.redis-away': {
    says: 'without Redis a replica starts and leaves in time, and the job runs once Redis is there, or lost its memory',
    breaks: 'worker close: wait for BullMQ without a limit',
    seenRed: true,
  },
  'reconcile.cluster': {
    says: 'in a Cluster reconcile finds the sessions of every master',
    breaks: 'scan: walk one node only',
    seenRed: true,
  },
  'reconcile.other-format': {
    says: 'keys of another layout are not touched',
    breaks: 'redis/format refuseOtherFormat: accept every layout',
    seenRed: true,
  },
  'model.broken-stream': {
    says: 'an answer broken in any of twelve ways is model_error by both routes, and the session goes on as it was',
    breaks: 'ask-model: take an answer without a finish for whole',
    seenRed: true,
  },
  'model.silent': {
    says: 'a model that never begins, or falls silent, is model_timeout in its time, and its call is ended',
    breaks: 'ask-model Patience: end no silence',
    seenRed: true,
  },
  'model.babbling': {
    says: 'an answer past MAX_OUTPUT_BYTES is model_error and its call ended; one of just that length is kept',
    breaks: 'ask-model: do not compare with maxOutputBytes',
    seenRed: true,
  },
  'model.turn-max': {
    says: 'a turn that drips on is model_timeout when it has run TURN_MAX_SECONDS',
    breaks: 'ask-model Patience: do not end the turn in all',
    seenRed: true,
  },
  'model.retries': {
    says: 'a call is tried again MODEL_MAX_RETRIES times, the same, but only while nothing of an answer was seen',
    breaks: 'model/openai: no retries',
    seenRed: true,
  },
  'model.odd-usage': {
    says: 'usage that is not three counts is null, and a finish reason of any length is no failure',
    breaks:
      'openai usageIn: take the numbers as they are; ask: do not cut the reason, take an empty one for one',
    seenRed: true,
  },
  'model.thinks-aloud': {
    says: 'a model that thinks aloud for longer than the first token may take is waited for; one that stops thinking is not',
    breaks: 'openai ask: no sign for a chunk without text',
    seenRed: true,
  },
  'model.endless-line': {
    says: 'a line without an end is model_error once it is longer than any answer could be, and its call is ended',
    breaks: 'connection: hand the agent on without LineBound',
    seenRed: true,
  },
  'model.without-done': {
    says: 'an answer that finishes but lacks the last [DONE] is whole',
    breaks: 'ask-model: ask for a finish and usage',
    seenRed: true,
  },
  'context.window': {
    says: 'a prompt is the system prompt, the newest whole turns that fit, and the message; the rest stays stored',
    breaks: 'prompt wholeTurns: every message is a turn of its own',
    seenRed: true,
  },
  'context.long-history': {
    says: 'a turn on a history of ten thousand messages reads only its end',
    breaks: 'turn-context HISTORY_TAIL: ten thousand',
    seenRed: true,
  },
  'context.one-character': {
    says: 'long runs of one character are measured in pieces, without holding up others',
    breaks: 'tokens: count a text in one piece',
    seenRed: true,
  },
  'clients.stalled': {
    says: 'readers that never read hold up neither the turn nor others, and cost a socket each, not what they miss',
    breaks: 'sse-sink and event-log: give a reader all that there is in one piece',
    seenRed: true,
  },
  'clients.vanish.cancel.elsewhere': {
    says: 'with ON_DISCONNECT=cancel a turn goes on while anybody reads it on any replica, and ends soon after the last one left',
    breaks: 'follow-turn fromLog: do not tell of reading',
    seenRed: true,
  },
  'clients.vanish.cancel.taken-over': {
    says: 'with ON_DISCONNECT=cancel a turn that was taken over waits for its readers, and ends when none comes back',
    breaks: 'lease-keeper: do not look for readers at a beat',
    seenRed: true,
  },
  'clients.vanish.continue': {
    says: 'a client that vanishes in the middle, by either route, costs nothing: its turn is answered and kept',
    breaks: 'follow-turn fromFeed: stop a turn whose readers left, whatever ON_DISCONNECT says',
    seenRed: true,
  },
  'clients.vanish.cancel': {
    says: 'with ON_DISCONNECT=cancel the model call ends within a second of the last reader leaving, and its words are kept',
    breaks: 'follow-turn fromFeed: never ask an abandoned turn to stop',
    seenRed: true,
  },
  'clients.heartbeat': {
    says: 'a stream that has nothing to say sends a comment within sixteen seconds, and no event',
    breaks: 'app HEARTBEAT_MS: a minute',
    seenRed: true,
  },
  'clients.text-forges-nothing': {
    says: 'whatever the model says arrives equal, live, replayed, in the JSON reply and in history, and forges no event',
    breaks: 'turn-frames: trim a delta',
    seenRed: true,
  },
  'settings.all-mistakes-at-once': {
    says: 'serve names every mistake in the settings at once, tells no secret, and exits 2',
    breaks: 'config readConfig: throw at the first mistake',
    seenRed: true,
  },
  'settings.cross-checks': {
    says: 'settings that are wrong only together are named, and serve exits 2',
    breaks: 'config: leave the cross-checks out',
    seenRed: true,
  },
  'settings.auth': {
    says: 'serve exits 2 on an AUTH it does not have, and on AUTH=none where others than this machine can reach it',
    breaks: 'config: leave the checks of the listener out',
    seenRed: true,
  },
  'settings.readable-is-usable': {
    says: 'a setting that cannot be used is named before anything starts: a proxy that is no address, a port or a file that is not there',
    breaks: 'settings: any text for TRUST_PROXY and REDIS_CA_FILE, any digits for a port',
    seenRed: true,
  },
  'settings.port-taken': {
    says: 'a command that cannot listen says so in one line and exits 1',
    breaks: 'program exitCodeOf: throw what listen throws; do not exit',
    seenRed: true,
  },
  'support.proxy.lost-reply': {
    says: 'the proxy loses the reply of the command it is told to, and that one was carried out once',
    breaks: 'proxied-connection fromClient: let every reply pass',
    seenRed: true,
  },
  'support.proxy.names-scripts': {
    says: 'the proxy names a script by the header of its text, which goes by only once',
    breaks: 'redis-command: take the first header, which may be a prelude',
    seenRed: true,
  },
  'support.proxy.way': {
    says: 'the proxy delays in order, makes black holes that stay, cuts, refuses, and heals',
    breaks: 'proxied-connection blackHole: do nothing',
    seenRed: true,
  },
  'client.sse.any-split': {
    says: 'the client of the page reads the same events wherever the bytes are split and however lines end',
    breaks: 'sse push: do not hold back a CR at the end of a piece',
    seenRed: true,
  },
  'client.say.over-cuts': {
    says: 'the client of the page tells each event once, in order, over cuts and a change of replica',
    breaks: 'turns follow: resume from the start, not after the last event',
    seenRed: true,
  },
  'client.say.once': {
    says: 'a message that the client of the page sends again, not knowing that it arrived, is one turn',
    breaks: 'turns say: send no Idempotency-Key',
    seenRed: true,
  },
  'client.say.refused': {
    says: 'the client of the page throws the code of a refusal at once, and tries again while nobody answers',
    breaks: 'errors isPassing: always true',
    seenRed: true,
  },
  'client.follow.settled': {
    says: 'following a turn after its last event tells that it is settled, and a turn that never was is an error',
    breaks: 'turns resume: take a 204 for a stream',
    seenRed: true,
  },
  'limits.rate.all-replicas': {
    says: 'a caller may begin so many turns a minute over all replicas together, then gets 429 with Retry-After; reading is free',
    breaks: 'turn-rate take: do not count',
    seenRed: true,
  },
  'limits.turns.burst': {
    says: 'of many turns that come at once no more than MAX_TURNS are taken in',
    breaks: 'submit-turn tryOnce: add the turn without a look for room',
    seenRed: true,
  },
  'limits.streams.burst': {
    says: 'of many readers who come at once no more than MAX_STREAMS are let in, those of one turn by JSON too',
    breaks: 'turn-stream Readers enter: count when the stream begins; chat: let JSON in without enter',
    seenRed: true,
  },
  'busy.coalesce.hundred': {
    says: 'a hundred messages may join a waiting turn; the next one waits behind it, and cancelling ends the keys of all',
    breaks: 'join-turn: take any number in',
    seenRed: true,
  },
  'outage.no-writes.reader': {
    says: 'whoever asks again for a turn on another replica while Redis refuses every write is answered with it',
    breaks: 'event-log watch: hand storage_full on',
    seenRed: true,
  },
  'repeat.dead-admission': {
    says: 'who asks again for a message whose replica died before it could say that it is in is answered, once and without a third try',
    breaks:
      'claim-turn is_confirmed: do not ask keep_for_others; count an attempt; submit-turn: do not confirm a repeat',
    seenRed: true,
  },
  'repeat.not-taken-back': {
    says: 'a message whose caller was refused is not taken back once who asks again was told that it is in, and goes on at once',
    breaks:
      'withdraw-turn: do not ask keep_for_others; keep `confirmed` of a turn not begun (unsettled); take-back: do not release',
    seenRed: true,
  },
  'busy.coalesce.unconfirmed': {
    says: 'a message that joined one whose caller was never told that it is in is answered without it, whether its replica died or takes it back',
    breaks: 'session.include keep_for_others: do not ask for joiners; keep the message',
    seenRed: true,
  },
  'busy.coalesce.unsettled-first': {
    says: 'a message that joined one of which nobody can tell whether it is in is answered together with it',
    breaks: 'take-back: always say untold',
    seenRed: true,
  },
  'busy.coalesce.all-taken-back': {
    says: 'a waiting turn of which every message was taken back asks the model nothing, ends, and its session goes on',
    breaks: 'run-turn: ask all the same when nothing was said',
    seenRed: true,
  },
  'admission.late-confirm': {
    says: 'a replica that comes too late to confirm an admission tells its caller to ask again, not that the session was deleted',
    breaks: 'confirm-turn: answer GONE when another replica has it',
    seenRed: true,
  },
  'limits.rate.turns-only': {
    says: 'what is refused before it begins, and a repeat by the same key, count as no turn; a failed turn that runs anew does',
    breaks:
      'submit-turn: count first of all; count whether the key is known or not; do not count what runs anew',
    seenRed: true,
  },
  'limits.turns-and-streams': {
    says: 'past MAX_TURNS or MAX_STREAMS a replica answers 503 overloaded, before anything is written, and recovers',
    breaks: 'live-turns checkRoom and Readers enter: never refuse',
    seenRed: true,
  },
  'shutdown.turns-end': {
    says: 'on SIGTERM readiness says no at once, turns are taken in for the delay and then refused, and running ones end',
    breaks: 'shutdown: do not wait for the delay',
    seenRed: true,
  },
  'shutdown.hand-over': {
    says: 'what still runs or waits after the grace goes on elsewhere without a wait, and its clients are told where',
    breaks: 'live-turns loseAll: lose nothing',
    seenRed: true,
  },
  'shutdown.own-shape': {
    says: 'whoever still asks on an open connection while a replica closes gets the errors of the API, or none',
    breaks: 'app: leave return503OnClosing as it is',
    seenRed: true,
  },
  'shutdown.without-redis': {
    says: 'a replica that is asked to leave while Redis is away leaves all the same, with what it could not hand over told',
    breaks: 'leave-turn: let the failure of the release out',
    seenRed: true,
  },
  'cli.sessions.list': {
    says: 'sessions list shows the live sessions of an owner as a table and as JSON',
    breaks: 'operator-commands: do not hand on the owner',
    seenRed: true,
  },
  'cli.sessions.show': {
    says: 'sessions show tells what is known of a session, what runs and what was said',
    breaks: 'cli/sessions showSession: leave out what runs and waits',
    seenRed: true,
  },
  'cli.sessions.delete': {
    says: 'sessions delete removes a session, and its running turn ends',
    breaks: 'cli/sessions deleteSession: exit 0 for a session that is not there',
    seenRed: true,
  },
  'cli.terminal.harmless': {
    says: 'what callers wrote cannot give orders to the terminal of an operator',
    breaks: 'cli/terminal printable: return the text as it is',
    seenRed: true,
  },
  'cli.reconcile': {
    says: 'reconcile runs once and reports as a table and as JSON',
    breaks: 'operator-commands: do not hand on --dry-run',
    seenRed: true,
  },
  'cli.usage': {
    says: 'each command explains itself, and its exit codes tell what went wrong',
    breaks: 'program exitCodeOf: 1 for a mistake on the command line',
    seenRed: true,
  },
  'cli.worker.no-model': {
    says: 'worker needs no model and leaves on SIGTERM',
    breaks: 'work: ask for a model when reading the settings',
    seenRed: true,
  },
  'cli.web': {
    says: 'web serves the page, tells it where the API is, and lets it talk to nobody else',
    breaks: 'cli/web: connect-src without the origin of the API',
    seenRed: true,
  },
  'doctor.well': {
    says: 'doctor finds nothing broken while turns wait and run, and exits 0',
    breaks: 'repair-session: take a live turn for one that is gone',
    seenRed: true,
  },
  'doctor.redis': {
    says: 'doctor fails on a Redis that evicts, is of another layout, or does not answer',
    breaks: 'cli/check-server checkEviction: accept every policy',
    seenRed: true,
  },
  'doctor.settings': {
    says: 'doctor names each setting that is wrong',
    breaks: 'run-doctor: read the settings without what serving needs',
    seenRed: true,
  },
  'doctor.model': {
    says: 'doctor tells a model that is silent, refuses the key, or is not there',
    breaks: 'cli/check-model: only warn of a silent server',
    seenRed: true,
  },
  'doctor.invariants': {
    says: 'doctor finds each kind of broken session, and reconcile mends what can be',
    breaks: 'cli/check-sessions hasFallen: compare the other way round',
    seenRed: true,
  },
  'doctor.sample': {
    says: 'doctor looks at a bounded sample, or at all sessions when asked',
    breaks: 'cli/check-sessions: do not look at the limit',
    seenRed: true,
  },
  'cli.table': {
    says: 'tables stay straight and within a terminal, whatever script a title is in',
    breaks: 'cli/table widthOfCharacter: 1 for every character',
    seenRed: true,
  },
  'cli.message-order': {
    says: 'messages apart from their turn, or before its user, are found',
    breaks: 'cli/message-order: do not remember turns that ended',
    seenRed: true,
  },
  'cli.reconcile.progress': {
    says: 'a reconcile that takes long shows its progress: one line drawn over on a terminal, else a line a second',
    breaks: 'cli/reconcile: show every step',
    seenRed: true,
  },
  'reconcile.report': {
    says: 'the report sums up all steps and names a bounded number of skipped keys',
    breaks: 'jobs/reconcile: push all skipped keys',
    seenRed: true,
  },
  'reconcile.stops': {
    says: 'a reconcile that is told to stop stops at its next step and reports nothing',
    breaks: 'jobs/reconcile: rest without the signal',
    seenRed: true,
  },
  'outage.restart-durable': {
    says: 'a Redis that is killed under load and comes back with its append-only file has lost nothing acknowledged',
    breaks: 'deployment startStore: keep nothing on the disk of a durable one',
    seenRed: true,
  },
  'outage.restart-empty': {
    says: 'after a restart that forgot everything sessions are gone, and nothing that a replica remembers is mixed in',
    breaks: 'history-cache merge: join whatever was known',
    seenRed: true,
  },
  'outage.down': {
    says: 'while Redis is down all is refused within a second, running turns keep their answers and commit when it is back',
    breaks: 'turn-recovery look: do not wait until Redis has answered for a while',
    seenRed: true,
  },
  'outage.refused-never-runs': {
    says: 'while Redis is frozen turns are refused within a second, and none that was refused runs when it wakes',
    breaks: 'admit-turn and join-turn: do not look at the deadline',
    seenRed: true,
  },
  'outage.short-freezes': {
    says: 'through freezes about as long as a request is patient, a turn is answered and stored once, or refused and never run',
    breaks:
      'admit-turn: no deadline; submit-turn: do not take back; claim-turn: run what was never confirmed',
    seenRed: true,
  },
  'bench.prints': {
    says: 'npm run bench measures the server beside passthrough and bare proxy, and prints its table',
    breaks: 'bench target: leave the bare proxy out',
    seenRed: true,
  },
  'log.no-content': {
    says: 'the log says what failed, and holds no message, no answer, no key and no password, whatever fails',
    breaks:
      'logger: pino.stdSerializers.errWithCause for err; openai: hand on the error of the SDK as the cause',
    seenRed: true,
  },
  'log.demo-model': {
    says: 'the log says at the start that the model is the built-in demo, and only then',
    breaks: 'serve: no word of DEMO_MODEL',
    seenRed: true,
  },
  'outage.full': {
    says: 'when Redis is full new turns are refused as storage_full, reading and deleting work, and room ends it',
    breaks: 'failures: take OOM for an error of ours',
    seenRed: true,
  },
  'outage.full.running': {
    says: 'a turn that ends while Redis is full waits for room, or ends as storage_full and leaves its session usable',
    breaks: 'commit-turn: give up at the first error',
    seenRed: true,
  },
  'commit.lost-reply': {
    says: 'whichever command of a turn loses its way or its reply, the turn is stored once and whole, and its key tells',
    breaks: 'end-turn: write a commit that is sent again once more',
    seenRed: true,
  },
  'outage.taken-back': {
    says: 'a turn whose caller was refused because a reply was lost is taken back, also when that loses its reply too',
    breaks: 'submit-turn tryOnce: do not take back',
    seenRed: true,
  },
  'order.lost-reply': {
    says: 'a waiting turn whose grant is lost on its way back runs once, and in its place',
    breaks: 'open-turn: do not recognise its own repeat',
    seenRed: true,
  },
  'admission.dead-head': {
    says: 'a turn whose replica dies before it hears that it was taken in stands in nobody’s way',
    breaks: 'turn-admission: list the turn with its confirmation, not with its admission',
    seenRed: true,
  },
  'admission.settled': {
    says: 'a turn that may count is not refused on a guess: it is answered once, or its caller is told where to look',
    breaks: 'until-settled: refuse as redis_unavailable when the first try gives no answer',
    seenRed: true,
  },
  'busy.coalesce.lost-reply': {
    says: 'a joining message whose reply is lost is asked once',
    breaks: 'submit-turn join: ask the queue without untilSettled',
    seenRed: true,
  },
  'busy.coalesce.unsettled': {
    says: 'a joining message of which nothing is heard is asked once or not at all: as its caller is told, under its key too',
    breaks: 'unjoin-turn: leave the idempotency key',
    seenRed: true,
  },
  'outage.cuts': {
    says: 'with all connections cut every 60 ms for two seconds each turn is stored once, in order, and service goes on',
    breaks: 'connect: do not connect again',
    seenRed: true,
  },
  'outage.black-hole': {
    says: 'connections that the network lost without a word are replaced: refused in a second, served in a few',
    breaks: 'connect: no socketTimeout',
    seenRed: true,
  },
  'page.queue.join': {
    says: 'a message may join the one that waits, and both are answered together',
    breaks: 'busy-choice: ask to enqueue instead of to join',
    seenRed: true,
  },
  'outage.deaf': {
    says: 'a replica that no longer hears announcements, without a word of the network, hears them again by itself',
    breaks: 'redis-room: do not ask the connection that only listens',
    seenRed: true,
  },
  'takeover.fresh-replica': {
    says: 'a replica that never heard the time of Redis, and has nothing to do, takes over what another left',
    breaks: 'turn-takeover overdue: do not ask for the time',
    seenRed: true,
  },
  'outage.flushed': {
    says: 'when Redis is emptied while turns run, they end as session_deleted, keep nothing, and the fence does not fall',
    breaks: 'admit-turn: begin the fence of a new session at 1',
    seenRed: true,
  },
  'bulk-gate.line': {
    says: 'large writes go out in the order they came, as many as there is room for, small ones at once, and a failed one makes room',
    breaks: 'bulk-gate: let the next in without looking for room',
    seenRed: true,
  },
  'faults.guards.found': {
    says: 'each guard that the fault rig takes out, and the log that the bench takes out, stands exactly once in the built server',
    breaks: 'session.include: write the loop over the keys of a session otherwise',
    seenRed: true,
  },
  'slow-way.long-answers': {
    says: 'over a slow way to Redis many long answers that end together are all stored once, and short turns are answered meanwhile',
    breaks: 'bulk-gate: let everything out at once',
    seenRed: true,
  },
  'outage.reader-cut': {
    says: 'readers whose replica loses sight of Redis are cut after half a minute, a JSON request is told where, and both resume elsewhere',
    breaks: 'follow-turn untilAnswered: no AWAY_PATIENCE_MS',
    seenRed: true,
  },
  'outage.commit-unknown': {
    says: 'a turn that cannot learn whether it was stored ends as commit_unknown, never as done, and its key then tells',
    breaks: 'beat-turn: answer FENCED, not ENDED, to the replica that ended the turn',
    seenRed: true,
  },
  'shutdown.rolling-restart': {
    says: 'three replicas behind HAProxy restart one by one under a hundred streams, and no client sees more than a resume',
    breaks: 'live-turns leave: refuse turns at once',
    seenRed: true,
  },
  'cluster.failover': {
    says: 'when a master of a Cluster dies its replica takes over: callers are told 503 in time, a running turn is answered, sessions elsewhere stay, and the fence does not fall',
    breaks: 'commit-turn: give up at the first refusal',
    seenRed: true,
  },
  'cluster.slot-moves': {
    says: 'while the slot of a busy session moves between masters no client sees an error, and history stays whole and in order',
    breaks: 'connect: a TRYAGAIN is not tried again (retryDelayOnTryAgain with maxRedirections 1)',
    seenRed: true,
  },
  'commit.before-done': {
    says: 'done is sent only after the commit: with Redis frozen over the last token and past the lease it waits, then comes',
    breaks: 'commit-turn: emit the event before the script has answered',
    seenRed: true,
  },
  'commit.without-log': {
    says: 'a log that cannot be written never loses an answer: it is committed, told, and can be read again',
    breaks: 'session.include log_entry: call instead of pcall',
    seenRed: true,
  },
  'sentinel.takeover': {
    says: 'behind Sentinels conversations stay apart on every replica, and the turn of a killed replica goes on',
    breaks: 'serve: do not look for turns of dead replicas',
    seenRed: true,
  },
  'failover.whole-and-in-order': {
    says: 'over a failover service comes back by itself, history stays whole turns in order, and the fence does not fall',
    breaks: 'session.include grant: lower the fence by one',
    seenRed: true,
  },
  'faults.checker.good': {
    says: 'the fault checker finds nothing in a story in which all went right',
    breaks: 'checker check: add a violation of its own',
    seenRed: true,
  },
  'faults.checker.stored-once': {
    says: 'the fault checker sees a turn that is lost, doubled or half',
    breaks: 'checker stored-once: return nothing',
    seenRed: true,
  },
  'faults.checker.run-again': {
    says: 'the fault checker lets a failover run a turn again that was done, after the loss and not before',
    breaks: 'facts isRunAgain: do not look when it was asked',
    seenRed: true,
  },
  'faults.checker.refused': {
    says: 'the fault checker sees a refused turn that is stored, or runs later',
    breaks: 'checker stored-once: return nothing',
    seenRed: true,
  },
  'faults.checker.prompts': {
    says: 'the fault checker sees stale, foreign and disordered prompts and histories',
    breaks: 'checker true-prefix: return nothing',
    seenRed: true,
  },
  'faults.checker.ends': {
    says: 'the fault checker sees wrong counts and times, left-overs, hangs and broken streams',
    breaks: 'checker counts: return nothing',
    seenRed: true,
  },
  'failover.lost-suffix': {
    says: 'when a failover loses the last writes, no fence is given out twice, and what ran on the lost ones is run again whole',
    breaks: 'session.include grant: let the fence be the last one plus 1, whatever the time is',
    seenRed: true,
  },
  'outage.waits-quietly': {
    says: 'turns whose wait is over while Redis is away ask for it now and then, and end as queue_timeout when it is back',
    breaks: 'wait-turn: after a failure pause no longer than the wait',
    seenRed: true,
  },
  'takeover.kill.many': {
    says: 'all turns of a killed replica are taken over in time, however many they were',
    breaks: 'turn-recovery look: 10 turns at once, and not again while there is more',
    seenRed: true,
  },
  'takeover.lost-reply': {
    says: 'a claim whose reply is lost is made good by the replica that made it, and counts as one attempt',
    breaks: 'claim-turn: do not recognise its own repeat',
    seenRed: true,
  },
  'busy.rollback.stays': {
    says: 'a turn that was rolled back leaves nothing, whoever cancels it after that',
    breaks: 'session.include ask_to_stop: let a weaker wish replace a stronger one',
    seenRed: true,
  },
  'model.endless-event': {
    says: 'an event that never ends, of lines that do, is model_error, and its call is ended',
    breaks: 'connection boundReply: count from the last line end, not from the last empty line',
    seenRed: true,
  },
  'model.tiny-events': {
    says: 'a flood of tiny events is read as it comes, without holding up others',
    breaks: 'answer-reader feed: copy what is left for each comment',
    seenRed: true,
  },
  'model.half-pairs': {
    says: 'characters that a model cuts in two arrive whole, and half of one never does',
    breaks: 'openai ask: yield the text as it was sent',
    seenRed: true,
  },
  'context.large-messages': {
    says: 'a history of large messages is read by what is needed of it, for a prompt or a page, and holds up nobody',
    breaks: 'session.include history_for: no TAIL_BYTES',
    seenRed: true,
  },
  'settings.no-credentials': {
    says: 'a URL of the model that holds a password is refused, and not told again',
    breaks: 'settings url: take user and password',
    seenRed: true,
  },
  'page.answer.nested': {
    says: 'an answer nested deeper than the parser can go is shown as it was written',
    breaks: 'markdown blocksOf: let the error out',
    seenRed: true,
  },
  'docs.models.end': {
    says: 'docs/models.md has the rule for the end of an answer as it is, every cell',
    breaks: 'answer-end: change any cell',
    seenRed: true,
  },
  'model.end.every-order': {
    says: 'in every order of text, thoughts, calls, reasons, errors, usage and [DONE], before every end, a whole answer is whole and half of one is not',
    breaks: 'answer-end NEXT_STATE: finished, content: finished',
    seenRed: true,
  },
  'model.wire.shapes': {
    says: 'an answer in any shape that servers send is told and kept whole by both routes',
    breaks: 'chunk readChunk: take text from strings alone',
    seenRed: true,
  },
  'model.wire.letters': {
    says: 'letters whose bytes come one at a time are whole',
    breaks: 'answer-reader feed: bytes.toString()',
    seenRed: true,
  },
  'model.wire.errors': {
    says: 'an answer that breaks off is never done, whatever says so; the log has the code, and none of the words',
    breaks: 'answer-end itemOfReason: every reason is finish',
    seenRed: true,
  },
  'model.filter': {
    says: 'a content filter after text ends the answer with its reason; before any text it refuses, with the status 200',
    breaks: 'answer-end NEXT_STATE: empty, filter: finished-empty',
    seenRed: true,
  },
  'model.refused': {
    says: 'what a model server refuses for good is model_refused with its status, asked once, and stays so under its key',
    breaks: 'model-failure PERMANENT: empty',
    seenRed: true,
  },
  'model.heartbeats': {
    says: 'heartbeats of any kind are no answer and no end of one; alone they keep a call alive for ten times the silence, not longer',
    breaks: 'call-deadline heardSign: listen for the whole silence',
    seenRed: true,
  },
  'message.blank': {
    says: 'a message of nothing but white space is refused, because strict models refuse it',
    breaks: 'message-limits: refuse the empty message alone',
    seenRed: true,
  },
  'model.stream-options': {
    says: 'a server that refuses stream_options is answered without, once and for all, whatever words it has for it; doctor and the log say so',
    breaks: 'needs needsBehind: no vague refusals',
    seenRed: true,
  },
  'model.alternating': {
    says: 'a server whose roles must alternate gets neighbours of one role joined, once it said so under any status; history keeps them apart',
    breaks: 'needs: no alternating roles',
    seenRed: true,
  },
  'model.no-system': {
    says: 'a server that takes no system message gets the system prompt at the head of what the user said first',
    breaks: 'needs: no system messages stay',
    seenRed: true,
  },
  'model.needs.certain': {
    says: 'a refusal that says what else is wrong is not taken for a need: the model is asked once',
    breaks: 'model-failure isVague: every 400',
    seenRed: true,
  },
  'model.extra-body': {
    says: 'MODEL_EXTRA_BODY is merged into every request, and null takes a field out',
    breaks: 'openai bodyFor: leave null in',
    seenRed: true,
  },
  'model.proxy': {
    says: 'the model is asked through the proxy of the environment, in small letters too; NO_PROXY and this host go past it',
    breaks: 'connection: no proxies',
    seenRed: true,
  },
  'context.outgrown': {
    says: 'a conversation that outgrows the window of the model goes on with less history, in whole turns, and learns how much fits',
    breaks: 'ask-within-window: rethrow the refusal',
    seenRed: true,
  },
  'context.refused': {
    says: 'a history that the model refuses for a reason of its own does not lock its session: it is asked once without',
    breaks: 'ask-within-window mayHelp: too_long alone',
    seenRed: true,
  },
  'session.never-locked': {
    says: 'whatever our own features leave in a history, a model that is as strict as any goes on answering',
    breaks: 'prompt messagesOf: keep blank messages',
    seenRed: true,
  },
  'takeover.kill.progress': {
    says: 'a turn whose replicas die one after the other goes on as long as each gets further than those before',
    breaks: 'claim-turn: every death counts one more',
    seenRed: true,
  },
  'takeover.total-time': {
    says: 'a turn fails as attempts_exhausted when all its attempts together have run for TURN_MAX_TOTAL_SECONDS, however far they got',
    breaks: 'ask-within-window callLimits: TURN_MAX_SECONDS alone',
    seenRed: true,
  },
  'shutdown.hand-over.uncounted': {
    says: 'a turn that every deploy hands over is answered after any number of them, even with TURN_MAX_ATTEMPTS=1',
    breaks: 'claim-turn: was_released false',
    seenRed: true,
  },
  'redis.role-change': {
    says: 'a server behind one name that becomes a replica under a living connection is left for the one that the name means now',
    breaks: 'connect: no reconnectOnError',
    seenRed: true,
  },
  'redis.loading': {
    says: 'a Redis that loads its data for longer than it says is used as soon as it is done; log and doctor say that it loads',
    breaks: 'connect: maxLoadingRetryTime 10000',
    seenRed: true,
  },
  'redis.sentinel-login': {
    says: 'Sentinels with a password of their own lead to a primary with another; the wrong one is named in the log',
    breaks: 'connect: no sentinelPassword',
    seenRed: true,
  },
  'redis.tls-names': {
    says: 'a Cluster whose certificates hold names alone is reached by its names; one that holds another name is refused, and the log says why',
    breaks: 'connect: no dnsLookup',
    seenRed: true,
  },
  'api.readyz.full': {
    says: 'a full Redis shows in /health and makes no replica unready, for reading and deleting still work',
    breaks: 'write-probe stateOf: full is refused',
    seenRed: true,
  },
  'resume.post-again': {
    says: 'the same POST with its key and Last-Event-ID goes on after that event, on any replica; 204 when it was the last',
    breaks: 'chat: always from BEFORE_ALL',
    seenRed: true,
  },
  'resume.by-query': {
    says: 'a client that cannot set headers goes on after ?lastEventId; a header goes before it',
    breaks: 'resume placeAfter: the header alone',
    seenRed: true,
  },
  'stream.head': {
    says: 'HEAD on a stream is answered with its head at once, holds neither the connection nor a place of a reader',
    breaks: 'turns: leave the head to Fastify',
    seenRed: true,
  },
  'cors.origins': {
    says: 'pages of apps and extensions can be allowed, an origin is understood as browsers send it, and one that none sends is refused at the start',
    breaks: 'setting-readers originOf: the text as it is',
    seenRed: true,
  },
  'redis.few-rights': {
    says: 'a Redis user without channels and INFO gets every turn answered, cancelled and deleted, no key without end, and doctor names what is missing',
    breaks: 'scripts: publish with call',
    seenRed: true,
  },
  'bodies.none': {
    says: 'a request without a body may name any type for it; a route that needs one says so',
    breaks: 'bodies: leave the type of an empty body',
    seenRed: true,
  },
} as const satisfies Record<string, PromiseEntry>;

interface PromiseEntry {
  readonly says: string;
  readonly breaks: string;
  readonly seenRed: boolean;
}
