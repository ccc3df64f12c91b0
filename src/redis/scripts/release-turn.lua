-- release-turn: a replica that shuts down releases a turn, so that another takes it over without waiting for its lease.
-- INCLUDE  time full
-- KEYS     meta messages queue turns lock turn
-- ARGS     turn_id replica lock_value
-- REPLIES  OK | GONE
-- A lease of 0 marks a hand-over, which is not a death.
local t = redis.call('HMGET', TURN, 'status', 'replica', 'lease', 'granted_at', 'ran')
if t[2] ~= replica or (t[1] ~= 'queued' and t[1] ~= 'running') then return GONE end
-- Sent again: its running time has been counted.
if t[3] == '0' then return OK end
even_if_full()
redis.call('HSET', TURN, 'lease', 0)
if t[1] == 'running' then
  redis.call('HSET', TURN, 'ran', int((whole(t[5]) or 0) + math.max(0, now_ms - (whole(t[4]) or now_ms))))
end
if redis.call('HGET', META, 'running') == turn_id then
  redis.call('HSET', META, 'running_lease', 0)
  if redis.call('GET', LOCK) == lock_value then redis.call('DEL', LOCK) end
end
return OK
