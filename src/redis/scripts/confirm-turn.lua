-- confirm-turn: its replica has seen the admission; from now on the turn is taken over when that replica dies.
-- KEYS  1 turn
-- ARGV  1 replica  2 confirm not after (ms, Redis' time; 0: always)
-- RETURNS  OK | GONE | TAKEN: another replica has it, or had it ended | LATE now
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local t = redis.call('HMGET', KEYS[1], 'replica', 'confirmed')
if not t[1] then return {'GONE'} end
if t[1] ~= ARGV[1] then return {'TAKEN'} end
if t[2] then return {'OK'} end
if tonumber(ARGV[2]) > 0 and now > tonumber(ARGV[2]) then return {'LATE', string.format('%.0f', now)} end
redis.call('HSET', KEYS[1], 'confirmed', 1)
return {'OK'}
