-- free-lock: frees a lock that only the running turn may hold, as the fence proves: an earlier holder left it, or a
-- request of this turn took it and its reply was lost.
-- KEYS     meta lock
-- ARGS     turn_id fence
-- REPLIES  OK | FENCED
local m = redis.call('HMGET', META, 'running', 'fence')
if m[1] ~= turn_id or m[2] ~= fence then return FENCED end
redis.call('DEL', LOCK)
return OK
