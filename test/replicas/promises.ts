import { keeperOf, type Ledger } from '../support/promise.ts';

/** What the tests of this folder keep; `test/support/promise.ts` says what the fields mean. */
export const PROMISES = {
  'responses.killed': {
    says: 'when the replica is killed in mid-answer, a background response is read on elsewhere: what was said ends incomplete, and another item has the answer',
    breaks: 'response-fold: forget what was said at a restart',
    from: 'docs/protocol.md: Responses',
  },
  'takeover.kill.reader-sees-it-go-on': {
    says: 'a reader on another replica sees a killed turn restart and complete',
    breaks: 'open-replica: do not look for turns of dead replicas',
    from: 'docs/guarantees.md: When a replica dies',
  },
  'takeover.kill.nobody-watches': {
    says: 'a killed turn is taken over even without a reader',
    breaks: 'open-replica: do not look for turns of dead replicas',
    from: 'docs/guarantees.md: When a replica dies',
  },
  'takeover.kill.order-behind-it': {
    says: 'turns behind a killed one keep their order, also those that waited on the dead replica',
    breaks: 'claim-turn: give an adopted turn a new ticket',
    from: 'docs/guarantees.md: When a replica dies',
  },
  'takeover.kill.twice': {
    says: 'a turn whose second replica dies too fails as attempts_exhausted, and its readers see the error',
    breaks: 'claim-turn: never reply exhausted',
    from: 'docs/guarantees.md: When a replica dies',
  },
  'sleeper.writes-nothing': {
    says: 'a replica that slept past its lease writes nothing, and its own client gets the true answer',
    breaks: 'end-turn, append-log and beat-turn: drop the fence checks',
    from: 'docs/guarantees.md: Whole, once, or not at all',
  },
  'cancel.running.any-replica': {
    says: 'cancel from another replica aborts the model call within a second and keeps the logged deltas',
    breaks: 'cancel-turn: answer without waiting for the end',
    from: 'docs/guarantees.md: Reading and stopping',
  },
  'cancel.running.before-first-token': {
    says: 'cancel before the first token stores nothing',
    breaks: 'ending keptOf: cancel always keeps the user message',
    from: 'docs/protocol.md: Cancel',
  },
  'cancel.waiting': {
    says: 'a waiting turn that is cancelled ends at once, without a model call',
    breaks: 'withdraw-turn: leave the turn in the queue',
    from: 'docs/protocol.md: Cancel',
  },
  'cancel.frozen-replica': {
    says: 'cancel ends a turn of a frozen replica from its log within a second',
    breaks: 'cancel-turn: wait without seizing',
    from: 'docs/guarantees.md: Reading and stopping',
  },
  'delete.ends-turns-everywhere': {
    says: 'deleting a session ends its running and waiting turns with session_deleted on every replica, and nothing comes back',
    breaks: 'delete-session: leave the metadata',
    from: 'docs/guarantees.md: Reading and stopping',
  },
  'isolation.replica.same-history': {
    says: 'a replica that never saw a session sends the model exactly the history stored by another replica',
    breaks: 'run-turn: omit the history from the prompt',
    from: 'docs/guarantees.md: Apart',
  },
  'isolation.replica.killed': {
    says: 'history stored by a replica is whole on the others after that replica was killed',
    breaks: 'run-turn: omit the history from the prompt',
    from: 'docs/guarantees.md: Apart',
  },
  'isolation.sessions.two': {
    says: 'two sessions that alternate over all replicas never share a word',
    breaks: 'run-turn: omit the history from the prompt',
    from: 'docs/guarantees.md: Apart',
  },
  'isolation.sessions.thirty': {
    says: 'thirty parallel sessions on random replicas each get prompts with their own history only',
    breaks: 'run-turn: omit the history from the prompt',
    from: 'docs/guarantees.md: Apart',
  },
  'isolation.cache.same-bytes': {
    says: 'the model gets the same bytes whether replicas cache histories or not',
    breaks: 'history-cache append: drop the first message of a commit',
    from: 'docs/guarantees.md: Apart',
  },
  'isolation.delete.knows-nothing': {
    says: 'a session created again under a deleted id knows nothing of the old one, on any replica',
    breaks: 'include/history history_since: compare neither epoch nor last id',
    from: 'docs/guarantees.md: Apart',
  },
  'isolation.prefix.two-deployments': {
    says: 'two deployments with different key prefixes on one Redis do not see each other',
    breaks: 'keys makeKeys: ignore the prefix',
    from: 'docs/guarantees.md: Apart',
  },
  'busy.interrupt': {
    says: 'interrupt stops the running turn, keeps its answer so far, and runs before the waiting turns',
    breaks: 'admit-turn: give an interrupt an ordinary ticket',
    from: 'docs/guarantees.md: In order',
  },
  'busy.interrupt.before-first-token': {
    says: 'a turn interrupted before its first token keeps its user message',
    breaks: 'ending keptOf: treat interrupt like cancel',
    from: 'docs/protocol.md: While a turn runs',
  },
  'busy.rollback': {
    says: 'rollback stops the running turn and stores nothing of it',
    breaks: 'ending keptOf: treat rollback like interrupt',
    from: 'docs/guarantees.md: In order',
  },
  'busy.interrupt.later-first': {
    says: 'of two interrupts the later one runs first',
    breaks: 'admit-turn: a fixed ticket below all others in place of a negated one',
    from: 'docs/protocol.md: While a turn runs',
  },
  'busy.coalesce': {
    says: 'coalesce joins the last waiting turn: one answer, the same for every caller, on any replica',
    breaks: 'admit-turn: never reply JOIN',
    from: 'docs/guarantees.md: In order',
  },
  'busy.coalesce.images': {
    says: 'messages that join count by their text: an image of any size joins, and is joined',
    breaks: 'turn-admission: count the bytes of the stored message',
    from: 'docs/protocol.md: While a turn runs',
  },
  'busy.coalesce.cancel': {
    says: 'cancelling a coalesced turn ends it for every caller that joined',
    breaks: 'admit-turn: never reply JOIN',
    from: 'docs/protocol.md: While a turn runs',
  },
  'busy.coalesce.alone': {
    says: 'coalesce waits like enqueue when no turn is waiting',
    breaks: 'admit-turn: reply JOIN with the running turn',
    from: 'docs/protocol.md: While a turn runs',
  },
  'busy.position': {
    says: 'the stream of a waiting turn gets its position as the turns ahead end',
    breaks: 'wait-turn: do not report positions',
    from: 'docs/guarantees.md: In order',
  },
  'resume.every-place': {
    says: 'resuming after any event of a turn, on any replica, gives exactly the events after it',
    breaks: 'event-log read: do not filter events of a batch',
    from: 'docs/guarantees.md: Reading and stopping',
  },
  'resume.nothing-left': {
    says: 'a reader that has the last event of a turn, or names a place after it, gets 204, with or without its log',
    breaks:
      'follow-turn hasAllEvents: only when equal to the last event in the log; fromRecord: count from the place of the reader',
    from: 'docs/protocol.md: Resume',
  },
  'resume.live-many-viewers': {
    says: 'readers that join while a turn runs, on any replica, see the same whole turn, each event once',
    breaks: 'follow-turn followLog: always read from the same place',
    from: 'docs/guarantees.md: Reading and stopping',
  },
  'resume.refusals': {
    says: 'a missing turn is 404, an invalid event id is 400',
    breaks: 'native-dialect placeIn: take any text as the beginning',
    from: 'docs/protocol.md: Resume',
  },
  'repeat.same-turn': {
    says: 'fifty requests with one Idempotency-Key on three replicas are one turn with one answer',
    breaks: 'admit-turn: ignore the idempotency key',
    from: 'docs/guarantees.md: Sending again',
  },
  'repeat.either-route': {
    says: 'the same key is the same turn on either route, while it runs and after it ended',
    breaks: 'admit-turn: ignore the idempotency key',
    from: 'docs/guarantees.md: Sending again',
  },
  'repeat.other-content': {
    says: 'the same key with another message or on_busy is 422',
    breaks: 'idempotency earlierTurn: do not compare the request',
    from: 'docs/guarantees.md: Sending again',
  },
  'repeat.failed-runs-anew': {
    says: 'a turn that failed with a retryable error runs again under its key',
    breaks: 'idempotency runsAnew: false',
    from: 'docs/guarantees.md: Sending again',
  },
  'repeat.after-death': {
    says: 'a key means the same one turn after its replica died, before or after the answer',
    breaks: 'open-replica: do not look for turns of dead replicas',
    from: 'docs/guarantees.md: Sending again',
  },
  'order.two-hundred': {
    says: 'two hundred turns of one session on four replicas run in the order of admission, each with all turns before it',
    breaks: 'admit-turn: give each waiting turn a random ticket',
    from: 'docs/guarantees.md: In order',
  },
  'order.woken': {
    says: 'a waiting turn is woken on whichever replica it waits: the median hand-off is far below a poll',
    breaks: 'include/queue wake_next: do not publish',
    from: 'docs/guarantees.md: In order',
  },
  'order.sessions-parallel': {
    says: 'sessions never wait for each other: forty turns of forty sessions call the model at once',
    breaks: 'submit-turn start: run one turn at a time on a replica',
    from: 'docs/guarantees.md: In order',
  },
  'order.reject': {
    says: 'on_busy reject replies 409 with the turn in the way, its URL, and how many are ahead',
    breaks: 'admit-turn: treat reject like enqueue',
    from: 'docs/guarantees.md: In order',
  },
  'order.queue-full': {
    says: 'one more than QUEUE_MAX waiting turns is 429 queue_full with Retry-After; the running turn does not count',
    breaks: 'admit-turn: do not check queue_max',
    from: 'docs/guarantees.md: In order',
  },
  'order.queue-timeout': {
    says: 'a turn that waited QUEUE_WAIT_SECONDS ends with queue_timeout, 503 as JSON, and nothing of it is stored',
    breaks: 'wait-turn: ignore the time waited',
    from: 'docs/guarantees.md: In order',
  },
  'order.waiting-client-leaves': {
    says: 'a waiting turn whose client disconnected runs in its place, or never with ON_DISCONNECT=cancel',
    breaks: 'stop-if-unread: do nothing',
    from: 'docs/guarantees.md: In order',
  },
  'clock.slow-first-reading': {
    says: 'a replica whose first reading of the Redis time came late still accepts turns while Redis answers in time',
    breaks: 'clock: learn only from the first reading, not from refusals',
    from: 'docs/decisions/0007-confirmed-admission.md',
  },
  'metrics.every-end': {
    says: 'every turn that ends is counted by the replica that ended it: cancelled or timed out while waiting, or taken from a dead or frozen replica',
    breaks: 'cancel-turn, withdraw-turn, end-seized: do not notify the observer (one at a time)',
    from: 'docs/operations.md: Metrics',
  },
  'balancer.caller': {
    says: 'a caller behind the balancer cannot forge its address',
    breaks: 'haproxy.cfg: omit del-header X-Forwarded-For',
    from: 'docs/operations.md: Many replicas',
  },
  'balancer.head-too-long': {
    says: 'a request head too long for a replica gets 431 through the balancer too',
    breaks: 'haproxy.cfg: omit tune.bufsize',
    from: 'docs/operations.md: Many replicas',
  },
  'balancer.answers': {
    says: 'when a replica is lost or none is left, the balancer replies in the format of the server, readable for pages',
    breaks: 'haproxy.cfg: omit the http-error of status 502',
    from: 'docs/operations.md: Many replicas',
  },
  'clients.vanish.cancel.elsewhere': {
    says: 'with ON_DISCONNECT=cancel a turn continues while it has a reader on any replica, and ends soon after the last one leaves',
    breaks: 'event-log watch: do not report a reader',
    from: 'docs/guarantees.md: Reading and stopping',
  },
  'clients.vanish.cancel.taken-over': {
    says: 'with ON_DISCONNECT=cancel a turn that was taken over waits for its readers, and ends when none comes back',
    breaks: 'lease-keeper: do not check for readers at a beat',
    from: 'docs/protocol.md: Resume',
  },
  'limits.rate.all-replicas': {
    says: 'a caller may begin a fixed number of turns a minute over all replicas, then gets 429 with Retry-After; reading is free',
    breaks: 'turn-rate take: do not count',
    from: 'docs/configuration.md: Limits',
  },
  'limits.turns.burst': {
    says: 'of many turns that arrive at once no more than MAX_TURNS are accepted',
    breaks: 'submit-turn submitOnce: add the turn without checking for room',
    from: 'docs/configuration.md: Limits',
  },
  'limits.streams.burst': {
    says: 'of many readers that arrive at once no more than MAX_STREAMS are admitted, JSON requests included',
    breaks: 'readers enter: count when the stream begins; chat-routes: admit JSON without enter',
    from: 'docs/configuration.md: Limits',
  },
  'busy.coalesce.hundred': {
    says: 'a hundred messages may join a waiting turn; the next one waits behind it, and cancelling ends all their keys',
    breaks: 'join-turn: accept any number',
    from: 'docs/protocol.md: While a turn runs',
  },
  'outage.no-writes.reader': {
    says: 'a retry on another replica is answered with its turn while Redis refuses every write',
    breaks: 'event-log watch: rethrow storage_full',
    from: 'docs/guarantees.md: When Redis goes away',
  },
  'repeat.dead-admission': {
    says: 'a caller that retries a message whose replica died before acknowledging it is answered, once and without a third try',
    breaks:
      'claim-turn is_confirmed: do not ask keep_for_dependents; count an attempt; idempotency: do not confirm a repeat',
    from: 'docs/guarantees.md: Sending again',
  },
  'repeat.not-taken-back': {
    says: 'a message whose first caller was refused is not revoked once a retry was acknowledged, and continues at once',
    breaks:
      'withdraw-turn: do not ask keep_for_dependents; keep `confirmed` of a turn that has not begun; revoke: do not release',
    from: 'docs/guarantees.md: Sending again',
  },
  'busy.coalesce.unconfirmed': {
    says: 'a message that joined one that was never acknowledged is answered without it, whether its replica died or revoked it',
    breaks: 'include/dependents keep_for_dependents: ignore joined messages; keep the message',
    from: 'docs/guarantees.md: Sending again',
  },
  'busy.coalesce.unsettled-first': {
    says: 'a message that joined one whose caller got commit_unknown is answered together with it',
    breaks: 'revoke: always unacknowledged',
    from: 'docs/guarantees.md: Sending again',
  },
  'busy.coalesce.all-taken-back': {
    says: 'a waiting turn whose messages were all revoked makes no model call, ends, and its session continues',
    breaks: 'run-turn: call the model without a message',
    from: 'docs/protocol.md: While a turn runs',
  },
  'admission.late-confirm': {
    says: 'a replica too late to confirm an admission replies redis_unavailable to its caller, not session_deleted',
    breaks: 'confirm-turn: reply GONE when another replica has it',
    from: 'docs/decisions/0007-confirmed-admission.md',
  },
  'limits.rate.turns-only': {
    says: 'a request refused before it begins and a repeat under the same key do not count; a failed turn that runs again does',
    breaks:
      'submit-turn: count first of all; count whether the key is known or not; do not count a second run',
    from: 'docs/configuration.md: Limits',
  },
  'limits.turns-and-streams': {
    says: 'past MAX_TURNS or MAX_STREAMS a replica replies 503 overloaded, before anything is written, and recovers',
    breaks: 'live-turns checkRoom and readers enter: never refuse',
    from: 'docs/configuration.md: Limits',
  },
  'shutdown.turns-end': {
    says: 'after SIGTERM the replica is unready at once, accepts turns for the delay and then refuses them, and running turns end',
    breaks: 'shutdown: skip the delay',
    from: 'docs/guarantees.md: Leaving and forgetting',
  },
  'shutdown.hand-over': {
    says: 'turns that still run or wait after the grace period continue elsewhere at once, and their clients learn where',
    breaks: 'live-turns loseAll: do nothing',
    from: 'docs/guarantees.md: Leaving and forgetting',
  },
  'shutdown.own-shape': {
    says: 'a request on an open connection while a replica closes gets an error of the API, or none',
    breaks: 'app: leave return503OnClosing at its default',
    from: 'docs/operations.md: Shutting down',
  },
  'shutdown.without-redis': {
    says: 'a replica that gets SIGTERM while Redis is away exits in time; its stream is cut, and the turn completes on the next one',
    breaks: 'leave-turn: rethrow the failed release',
    from: 'docs/operations.md: Shutting down',
  },
  'outage.restart-durable': {
    says: 'a Redis with an append-only file, killed under load, loses nothing acknowledged',
    breaks: 'deployment startStore: persist nothing for a durable one',
    from: 'docs/guarantees.md: When Redis goes away',
  },
  'outage.restart-empty': {
    says: 'after Redis restarts empty, sessions are gone, and no cached history of a replica is mixed in',
    breaks: 'history-cache merge: join whatever was known',
    from: 'docs/guarantees.md: When Redis fails over',
  },
  'outage.down': {
    says: 'while Redis is down requests are refused within a second; running turns keep their answers and commit when it is back',
    breaks: 'turn-recovery look: do not wait until Redis has answered for a while',
    from: 'docs/guarantees.md: When Redis goes away',
  },
  'outage.refused-never-runs': {
    says: 'while Redis is frozen turns are refused within a second, and no refused turn runs when it wakes',
    breaks: 'admit-turn and join-turn: ignore the deadline',
    from: 'docs/guarantees.md: When Redis goes away',
  },
  'outage.short-freezes': {
    says: 'through freezes about as long as the timeout of a request, a turn is answered and stored once, or refused and never run',
    breaks: 'admit-turn: no deadline; submit-turn: do not revoke; claim-turn: run what was never confirmed',
    from: 'docs/guarantees.md: When Redis goes away',
  },
  'outage.full': {
    says: 'when Redis is full new turns are refused as storage_full, reading and deleting work, and it recovers when there is room',
    breaks: 'failures: report OOM as internal',
    from: 'docs/guarantees.md: Whole, once, or not at all',
  },
  'outage.full.running': {
    says: 'a turn that ends while Redis is full waits for room, or fails as storage_full and leaves its session usable',
    breaks: 'commit-turn: give up at the first error',
    from: 'docs/guarantees.md: When Redis goes away',
  },
  'commit.lost-reply': {
    says: 'whichever command of a turn loses its request or its reply, the turn is stored once and whole, and its key finds it',
    breaks: 'end-turn: store a repeated commit again',
    from: 'docs/guarantees.md: Whole, once, or not at all',
  },
  'outage.taken-back': {
    says: 'a turn whose caller was refused because a reply was lost is revoked, even when that reply is lost too',
    breaks: 'submit-turn submitOnce: do not revoke',
    from: 'docs/guarantees.md: When Redis goes away',
  },
  'order.lost-reply': {
    says: 'a waiting turn whose grant reply is lost runs once, and in its place',
    breaks: 'open-turn: do not recognise its own repeat',
    from: 'docs/guarantees.md: In order',
  },
  'admission.dead-head': {
    says: 'a turn whose replica dies before the admission reply arrives blocks no other turn',
    breaks: 'turn-admission: list the turn at its confirmation, not at its admission',
    from: 'docs/decisions/0007-confirmed-admission.md',
  },
  'admission.settled': {
    says: 'a turn that may be accepted is not refused on a guess: it is answered once, or its caller gets commit_unknown with its ids',
    breaks: 'confirm settle: refuse as redis_unavailable when the first try gets no reply',
    from: 'docs/guarantees.md: When Redis goes away',
  },
  'busy.coalesce.lost-reply': {
    says: 'a joining message whose reply is lost is sent to the model once',
    breaks: 'submit-turn join: without settle',
    from: 'docs/protocol.md: While a turn runs',
  },
  'busy.coalesce.unsettled': {
    says: 'a joining message without any reply is answered once or not at all, as its caller and its key say',
    breaks: 'unjoin-turn: keep the idempotency key',
    from: 'docs/protocol.md: While a turn runs',
  },
  'outage.cuts': {
    says: 'with all connections cut every 60 ms for two seconds each turn is stored once, in order, and service continues',
    breaks: 'connect: do not reconnect',
    from: 'docs/guarantees.md: When Redis goes away',
  },
  'outage.black-hole': {
    says: 'connections that the network lost silently are replaced: requests are refused in a second and served in a few',
    breaks: 'connect: no socketTimeout',
    from: 'docs/guarantees.md: When Redis goes away',
  },
  'outage.deaf': {
    says: 'a replica whose subscription silently broke recovers it by itself',
    breaks: 'redis-room: do not ping the subscriber connection',
    from: 'docs/guarantees.md: When Redis goes away',
  },
  'takeover.fresh-replica': {
    says: 'an idle replica that never read the time of Redis takes over turns of another',
    breaks: 'turn-takeover overdue: do not ask for the time',
    from: 'docs/guarantees.md: When a replica dies',
  },
  'outage.flushed': {
    says: 'when Redis is flushed while turns run, they end as session_deleted, nothing is stored, and the fence does not fall',
    breaks: 'admit-turn: begin the fence of a new session at 1',
    from: 'docs/guarantees.md: When Redis goes away',
  },
  'slow-way.long-answers': {
    says: 'over a slow connection to Redis many long answers that end together are all stored once, and short turns are answered meanwhile',
    breaks: 'bulk-gates: let everything out at once',
    from: 'docs/guarantees.md: Whole, once, or not at all',
  },
  'outage.reader-cut': {
    says: 'readers whose replica loses Redis are cut after half a minute, a JSON request gets the ids, and both resume elsewhere',
    breaks: 'follow-turn whileAway: no AWAY_PATIENCE_MS',
    from: 'docs/guarantees.md: When Redis goes away',
  },
  'outage.commit-unknown': {
    says: 'a turn that cannot learn whether it was stored ends as commit_unknown, never as done; its key gives the result later',
    breaks: 'beat-turn: reply FENCED, not ENDED, to the replica that ended the turn',
    from: 'docs/guarantees.md: When Redis goes away',
  },
  'shutdown.rolling-restart': {
    says: 'three replicas behind HAProxy restart one by one under a hundred streams, and no client has to do more than resume',
    breaks: 'live-turns leave: refuse turns at once',
    from: 'docs/operations.md: Shutting down',
  },
  'commit.before-done': {
    says: 'done is sent only after the commit: with Redis frozen past the last token and the lease it waits, then arrives',
    breaks: 'commit-turn: emit the event before the script has replied',
    from: 'docs/guarantees.md: Whole, once, or not at all',
  },
  'commit.without-log': {
    says: 'a log that cannot be written never loses an answer: it is committed, acknowledged and readable',
    breaks: 'end-turn: call instead of pcall for the log',
    from: 'docs/guarantees.md: Whole, once, or not at all',
  },
  'sentinel.takeover': {
    says: 'behind Sentinels conversations stay isolated on every replica, and the turn of a killed replica continues',
    breaks: 'open-replica: do not look for turns of dead replicas',
    from: 'docs/guarantees.md: When Redis fails over',
  },
  'failover.whole-and-in-order': {
    says: 'over a failover service recovers by itself, history stays whole turns in order, and the fence does not fall',
    breaks: 'include/grant next_fence: lower the fence by one',
    from: 'docs/guarantees.md: When Redis fails over',
  },
  'outage.waits-quietly': {
    says: 'turns whose wait expires while Redis is away poll it rarely, and end as queue_timeout when it is back',
    breaks: 'wait-turn: after a failure pause no longer than the wait',
    from: 'docs/guarantees.md: When Redis goes away',
  },
  'takeover.kill.many': {
    says: 'all turns of a killed replica are taken over in time, however many',
    breaks: 'turn-recovery look: 10 turns at once, and do not look again while there are more',
    from: 'docs/guarantees.md: When a replica dies',
  },
  'takeover.lost-reply': {
    says: 'a claim whose reply is lost is completed by the replica that made it, and counts as one attempt',
    breaks: 'claim-turn: do not recognise its own repeat',
    from: 'docs/guarantees.md: When a replica dies',
  },
  'busy.rollback.stays': {
    says: 'a rolled-back turn stores nothing, even when it is cancelled afterwards',
    breaks: 'include/stop ask_to_stop: let a weaker request replace a stronger one',
    from: 'docs/protocol.md: While a turn runs',
  },
  'session.never-locked': {
    says: 'whatever our own features leave in a history, the strictest model continues to answer',
    breaks: 'prompt messagesOf: keep blank messages',
    from: 'docs/models.md: What is sent',
  },
  'takeover.kill.progress': {
    says: 'a turn whose replicas die one after the other continues as long as each attempt gets further than the last',
    breaks: 'claim-turn: count every death',
    from: 'docs/guarantees.md: When a replica dies',
  },
  'takeover.total-time': {
    says: 'a turn fails as attempts_exhausted when its attempts have run for TURN_MAX_TOTAL_SECONDS in total, however far they got',
    breaks: 'ask-within-window callLimits: only TURN_MAX_SECONDS',
    from: 'docs/guarantees.md: When a replica dies',
  },
  'shutdown.hand-over.uncounted': {
    says: 'a turn handed over by any number of deploys is answered, even with TURN_MAX_ATTEMPTS=1',
    breaks: 'claim-turn: was_released false',
    from: 'docs/guarantees.md: When a replica dies',
  },
  'redis.role-change': {
    says: 'when a server behind a name becomes a replica, its connection is left for the server that the name now resolves to',
    breaks: 'connect: no reconnectOnError',
    from: 'docs/operations.md: Redis',
  },
  'redis.loading': {
    says: 'a Redis that is loading its data is used as soon as it is done, whatever it estimates; log and doctor report it',
    breaks: 'connect: maxLoadingRetryTime 10000',
    from: 'docs/operations.md: Redis',
  },
  'redis.sentinel-login': {
    says: 'Sentinels with their own password lead to a primary with another one; the log names the wrong one',
    breaks: 'connect: no sentinelPassword',
    from: 'docs/operations.md: Redis',
  },
  'redis.tls-names': {
    says: 'a Cluster whose certificates hold only names is reached by name; one with another name is refused, and the log says why',
    breaks: 'connect: no dnsLookup',
    from: 'docs/operations.md: Redis',
  },
  'api.readyz.full': {
    says: 'a full Redis shows in /health and makes no replica unready, because reading and deleting still work',
    breaks: 'write-probe stateOf: treat full as refused',
    from: 'docs/operations.md: Health',
  },
  'redis.few-rights': {
    says: 'with a Redis user without channels and INFO, every turn is answered, cancelled and deleted, every key has a TTL, and doctor names what is missing',
    breaks: 'scripts: publish with call',
    from: 'docs/operations.md: Redis',
  },
} as const satisfies Ledger;

export const { promise, processPromise } = keeperOf(PROMISES);
