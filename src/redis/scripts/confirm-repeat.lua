-- confirm-repeat: who asks again under an Idempotency-Key is told that the message is in; from now on nobody takes it back.
-- KEYS  1 turn  2 idempotency key
-- ARGV  1 idempotency value  2 confirm not after (ms, Redis' time; 0: always)
-- RETURNS  OK | LATE now | GONE: the turn ended, or is being ended as one nobody counts on, or the key means another
local t = redis.call('HMGET', KEYS[1], 'status', 'seized', 'confirmed')
local known = redis.call('GET', KEYS[2])
if known == ARGV[1] then return {'OK'} end
local is_live = (t[1] == 'queued' or t[1] == 'running') and t[2] ~= 'unconfirmed'
if not is_live or known ~= ARGV[1] .. ' untold' then return {'GONE'} end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
if tonumber(ARGV[2]) > 0 and now > tonumber(ARGV[2]) then return {'LATE', string.format('%.0f', now)} end
-- Needs no room, so that a full Redis takes what follows. One that takes no write at all still has a turn that is in.
redis.pcall('HDEL', KEYS[1], '-')
local told = redis.pcall('SET', KEYS[2], ARGV[1], 'KEEPTTL')
if told.err and not t[3] then return told end
return {'OK'}
