-- stop-turn: asks the replica of a running turn to stop it.
-- INCLUDE  time queue stop
-- KEYS     meta messages queue turns lock turn
-- ARGS     turn_id session kind channels only_if_unread:number
-- REPLIES  ASKED | QUEUED | ENDED | GONE | READ
-- `kind` is cancel, interrupt or rollback. `only_if_unread` is 1 or 0; READ: another replica has recently reported a
-- reader.
local t = redis.call('HMGET', TURN, 'status', 'replica', 'read_until')
if not t[1] then return GONE end
if t[1] ~= 'queued' and t[1] ~= 'running' then return ENDED end
if only_if_unread == 1 and (whole(t[3]) or 0) > now_ms then return READ end
if t[1] == 'queued' then return QUEUED end
ask_to_stop(turn_id, kind, t[2], channels, session)
return ASKED
