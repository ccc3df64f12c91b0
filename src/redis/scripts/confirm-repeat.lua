-- confirm-repeat: confirms a message for a caller that retries under its key; from now on it is not revoked.
-- INCLUDE  time idempotency
-- KEYS     turn idempotency*
-- ARGS     key_value not_after_ms:number
-- REPLIES  OK | GONE | LATE now_ms
-- GONE: the turn has ended, or is being ended because no caller depends on it, or the key names another turn.
local KEY = IDEMPOTENCY[1]
local t = redis.call('HMGET', TURN, 'status', 'seized', 'confirmed')
local stored = redis.call('GET', KEY)
if stored == key_value then return OK end
local is_live = (t[1] == 'queued' or t[1] == 'running') and t[2] ~= 'unconfirmed'
if not is_live or stored ~= key_value .. UNACKNOWLEDGED then return GONE end
if not_after_ms > 0 and now_ms > not_after_ms then return LATE{now_ms = int(now_ms)} end
-- Needs no memory, so that a full Redis accepts the next write. If that is refused too, a confirmed turn counts.
redis.pcall('HDEL', TURN, '-')
local written = redis.pcall('SET', KEY, key_value, 'KEEPTTL')
if written.err and not t[3] then return written end
return OK
