-- confirm-turn: the replica has seen the admission; from now on the turn is taken over if that replica dies.
-- INCLUDE  time
-- KEYS     turn
-- ARGS     replica not_after_ms:number
-- REPLIES  OK | GONE | TAKEN | LATE now_ms
-- TAKEN: another replica has taken the turn over, or ended it.
local t = redis.call('HMGET', TURN, 'replica', 'confirmed')
if not t[1] then return GONE end
if t[1] ~= replica then return TAKEN end
if t[2] then return OK end
if not_after_ms > 0 and now_ms > not_after_ms then return LATE{now_ms = int(now_ms)} end
redis.call('HSET', TURN, 'confirmed', 1)
return OK
