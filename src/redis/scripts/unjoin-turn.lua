-- unjoin-turn: takes a joined message out again, while its turn waits: its caller was told that it was not taken in.
-- KEYS  1 turn
-- ARGV  1 id of the joiner
-- RETURNS  OK | GONE
local place = redis.call('HGET', KEYS[1], 'joiner:' .. ARGV[1])
if not place or redis.call('HGET', KEYS[1], 'status') ~= 'queued' then return 'GONE' end
redis.call('HSET', KEYS[1], 'message:' .. place, '')
redis.call('HDEL', KEYS[1], 'joiner:' .. ARGV[1])
return 'OK'
