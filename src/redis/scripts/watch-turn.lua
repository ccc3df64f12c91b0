-- watch-turn: somebody on another replica reads along. From now on every new batch is announced, and for a while the
-- turn is not stopped as unread.
-- KEYS  1 turn
-- ARGV  1 for how long (ms)
-- RETURNS  WATCHED | GONE
if redis.call('EXISTS', KEYS[1]) == 0 then return 'GONE' end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
-- First a write that a full Redis allows; what a script has begun to write it may finish.
redis.call('HDEL', KEYS[1], '-')
redis.call('HSET', KEYS[1], 'watched', 1, 'read_until', string.format('%.0f', now + tonumber(ARGV[1])))
return 'WATCHED'
