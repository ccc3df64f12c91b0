-- watch-turn: registers a reader on another replica. From now on every new batch is announced, and for a while the turn
-- is not stopped as unread.
-- INCLUDE  time
-- KEYS     turn
-- ARGS     for_ms:number
-- REPLIES  OK on_disconnect | GONE
-- `on_disconnect` is what the turn does when its last reader leaves: continue or cancel.
if redis.call('EXISTS', TURN) == 0 then return GONE end
-- First a write that a full Redis allows: a script that has begun to write may finish.
redis.call('HDEL', TURN, '-')
redis.call('HSET', TURN, 'watched', 1, 'read_until', int(now_ms + for_ms))
return OK{on_disconnect = redis.call('HGET', TURN, 'on_disconnect') or ''}
