-- withdraw-turn: ends a waiting turn and keeps nothing of it; a granted one as well, if its own replica asks.
-- INCLUDE  time full queue idempotency joined dependents
-- KEYS     meta messages queue turns lock turn log idempotency*
-- ARGS     turn_id session replica outcome log_ttl_ms:number condition event failure code channels watch_channel
-- REPLIES  OK | GONE | ENDED | RUNNING | DEPENDED_ON | UNNAMED hashes
-- `condition`: waits: only if it still waits; any: also if it was granted to this replica; unacknowledged, unsettled:
-- as any, unless a caller depends on it; to its own caller it was reported as not accepted, or as possibly accepted.
-- `event` is JSON without the message count, which the log stores beside it. `code` is announced to its replica.
local t = redis.call('HMGET', TURN, 'status', 'replica', 'claimed', 'idem', 'joined')
local m = redis.call('HMGET', META, 'message_count', 'running')
if not t[1] then return GONE end
if t[1] ~= 'queued' and t[1] ~= 'running' then return ENDED end
local revokes = condition == 'unacknowledged' or condition == 'unsettled'
if t[1] == 'running' and (condition == 'waits' or t[2] ~= replica or (revokes and t[3])) then return RUNNING end
local hashes = unnamed(t[4], t[5])
if hashes then return UNNAMED{hashes = hashes} end

even_if_full()
if revokes and keep_for_dependents(turn_id, condition == 'unsettled') then
  if m[2] == turn_id then
    -- Its replica has not begun it, though the confirmation may have been carried out.
    redis.call('HDEL', TURN, 'confirmed')
    redis.call('DEL', LOCK)
  end
  return DEPENDED_ON
end
local record = {'status', outcome, 'ended_at', int(now_ms), 'message_count', m[1] or '0', 'kept', '0'}
if failure ~= '' then
  record[#record + 1] = 'error'
  record[#record + 1] = failure
end
if t[2] then redis.call('ZREM', QUEUE, queue_member(turn_id, t[2])) end
redis.call('HSET', TURN, unpack(record))
-- After everything that it may have logged while it waited.
redis.pcall('XADD', LOG, now_us .. '-1', 'e', '[' .. event .. ']', 'count', m[1] or '0')
publish(watch_channel, 'ended')
if m[2] == turn_id then
  clear_running()
  redis.call('DEL', LOCK)
end
local session_end = redis.call('PEXPIRETIME', META)
local at_ms = now_ms + log_ttl_ms
if session_end > 0 then at_ms = math.min(at_ms, session_end) end
expire_ended(turn_id, at_ms, t[4], t[5])
if session_end > 0 then redis.call('PEXPIREAT', TURNS, int(session_end)) end
if t[2] then
  publish(channels .. t[2], cjson.encode({kind = 'ended', session = session, turn = turn_id, code = code}))
end
wake_next(channels, session)
return OK
