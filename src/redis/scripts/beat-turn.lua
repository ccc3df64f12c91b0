-- beat-turn: renews the lease of a running turn, whose replica is alive, and the TTL of every key of the session.
-- INCLUDE  time ttl full idempotency joined
-- KEYS     meta messages queue turns lock turn log idempotency*
-- ARGS     turn_id fence session_ttl_ms:number lease_ms:number
-- REPLIES  OK stop | UNNAMED hashes | GONE | FENCED | ENDED
-- `stop` is empty, or what the turn is asked to do: cancel, interrupt, rollback. ENDED: by this replica, which may not
-- know yet.
local m = redis.call('HMGET', META, 'fence', 'stop', 'stop_turn', 'running')
local t = redis.call('HMGET', TURN, 'status', 'fence', 'idem', 'joined')
if not m[1] or not t[1] then return GONE end
if t[2] == fence and t[1] ~= 'running' then return ENDED end
if m[1] ~= fence or t[1] ~= 'running' or t[2] ~= fence or m[4] ~= turn_id then return FENCED end
local hashes = unnamed(t[3], t[4])
if hashes then return UNNAMED{hashes = hashes} end
local lease_end = int(now_ms + lease_ms)
even_if_full()
expire_session(now_ms + session_ttl_ms)
expire_turn(now_ms + session_ttl_ms)
redis.call('HSET', TURN, 'lease', lease_end)
redis.call('HSET', META, 'running_lease', lease_end)
return OK{stop = m[3] == turn_id and m[2] or ''}
