-- beat-turn: the replica of a running turn lives; renews the lease and the TTL of everything of the session.
-- include session
-- KEYS  1 meta  2 messages  3 queue  4 turns  5 lock  6 turn  7 log  8… idempotency keys
-- ARGV  1 turn id  2 fence  3 session TTL (ms)  4 lease (ms)
-- RETURNS  GONE | FENCED | ENDED: by this replica, which may not have heard it yet | OK stop ('' or cancel, interrupt, rollback)
local m = redis.call('HMGET', META, 'fence', 'stop', 'stop_turn', 'running')
local t = redis.call('HMGET', KEYS[6], 'status', 'fence')
if not m[1] or not t[1] then return {'GONE'} end
if t[2] == ARGV[2] and t[1] ~= 'running' then return {'ENDED'} end
if m[1] ~= ARGV[2] or t[1] ~= 'running' or t[2] ~= ARGV[2] or m[4] ~= ARGV[1] then return {'FENCED'} end
local lease_end = int(now + tonumber(ARGV[4]))
even_if_full()
turn_lives_until(now + tonumber(ARGV[3]))
redis.call('HSET', KEYS[6], 'lease', lease_end)
redis.call('HSET', META, 'running_lease', lease_end)
return {'OK', m[3] == ARGV[1] and m[2] or ''}
