-- unjoin-turn: takes a joined message out again, while its turn waits: its caller was told that it was not taken in.
-- KEYS  1 turn  2 idempotency key of the joiner
-- ARGV  1 id of the joiner
-- RETURNS  OK | GONE | TOLD: who asked again under the key was told that it is in
local place = redis.call('HGET', KEYS[1], 'joiner:' .. ARGV[1])
if not place or redis.call('HGET', KEYS[1], 'status') ~= 'queued' then return 'GONE' end
local known = redis.call('GET', KEYS[2])
if known and not string.find(known, ' untold', 1, true) then return 'TOLD' end
redis.call('DEL', KEYS[2])
redis.call('HSET', KEYS[1], 'message:' .. place, '')
redis.call('HDEL', KEYS[1], 'joiner:' .. ARGV[1])
return 'OK'
