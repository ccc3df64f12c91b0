-- join-turn: adds a message to the last turn that still waits; all its messages are answered together.
-- INCLUDE  time ttl queue idempotency joined
-- KEYS     meta messages queue turns lock turn log idempotency*
-- ARGS     turn_id joiner_id not_after_ms:number session_ttl_ms:number most_bytes:number text_bytes:number message
--          key_value replaces_value agent model options
-- REPLIES  OK now_ms | EXISTS value acknowledged | STALE | TOO_LARGE | LATE now_ms
-- `most_bytes` bounds the text of all its messages together; images and files do not count. `joiner_id` distinguishes
-- this message from others that join, and recognises it when it is sent again. STALE: the turn no longer waits, is not
-- the last one, or would be run differently.
local KEY = IDEMPOTENCY[1]
if redis.call('HEXISTS', TURN, 'joiner:' .. joiner_id) == 1 then return OK{now_ms = int(now_ms)} end
if not_after_ms > 0 and now_ms > not_after_ms then return LATE{now_ms = int(now_ms)} end
if KEY then
  local value, acknowledged = used_under(KEY)
  if value and value ~= replaces_value then return EXISTS{value = value, acknowledged = acknowledged} end
end
local t = redis.call('HMGET', TURN, 'status', 'replica', 'message', 'joined', 'agent', 'model', 'options',
  'text_bytes')
local last = redis.call('ZRANGE', QUEUE, -1, -1)[1]
if t[1] ~= 'queued' or not t[2] or not t[3] or last ~= queue_member(turn_id, t[2]) then return STALE end
if (t[5] or '') ~= agent or (t[6] or '') ~= model or (t[7] or '') ~= options then return STALE end
local joined, bytes = joined_count(t[4]), (whole(t[8]) or #t[3]) + text_bytes
-- Their keys are sent with every poll, beat and end of the turn; later messages wait behind it.
if joined >= 100 then return STALE end
if bytes > most_bytes then return TOO_LARGE end
-- A key of another type fails here, before anything is written.
redis.call('ZCARD', TURNS)

redis.call('HSET', TURN, 'joined', joined + 1, 'message:' .. (joined + 1), message, 'joiner:' .. joiner_id, joined + 1,
  'text_bytes', int(bytes))
if KEY then
  redis.call('SET', KEY, key_value .. UNACKNOWLEDGED)
  redis.call('HSET', TURN, 'idem:' .. (joined + 1), hash_in(KEY))
  redis.call('ZADD', TURNS, '+inf', turn_id .. '#' .. hash_in(KEY))
end
redis.call('HSET', META, 'last_accessed', int(now_ms))
expire_session(now_ms + session_ttl_ms)
expire_turn(now_ms + session_ttl_ms)
return OK{now_ms = int(now_ms)}
