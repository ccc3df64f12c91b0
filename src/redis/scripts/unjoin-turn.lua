-- unjoin-turn: revokes a message that joined a waiting turn, but was reported as not accepted.
-- INCLUDE  idempotency
-- KEYS     turn idempotency*
-- ARGS     joiner_id
-- REPLIES  OK | GONE | ACKNOWLEDGED
-- ACKNOWLEDGED: it was acknowledged to a caller that retried under the key.
local KEY = IDEMPOTENCY[1]
local place = redis.call('HGET', TURN, 'joiner:' .. joiner_id)
if not place or redis.call('HGET', TURN, 'status') ~= 'queued' then return GONE end
if KEY then
  local value, acknowledged = used_under(KEY)
  if value and acknowledged == 1 then return ACKNOWLEDGED end
  redis.call('DEL', KEY)
end
redis.call('HSET', TURN, 'message:' .. place, '')
redis.call('HDEL', TURN, 'joiner:' .. joiner_id)
return OK
