-- release-turn: a replica that shuts down lets go of a turn, so that another takes it over without waiting.
-- include session
-- KEYS  1 meta  2 messages  3 queue  4 turns  5 lock  6 turn
-- ARGV  1 turn id  2 replica  3 lock value ('': none held)
-- RETURNS  OK | GONE
local t = redis.call('HMGET', KEYS[6], 'status', 'replica', 'lease', 'granted_at', 'ran')
if t[2] ~= ARGV[2] or (t[1] ~= 'queued' and t[1] ~= 'running') then return 'GONE' end
-- Sent again: its running time is counted already.
if t[3] == '0' then return 'OK' end
even_if_full()
redis.call('HSET', KEYS[6], 'lease', 0)
if t[1] == 'running' then
  redis.call('HSET', KEYS[6], 'ran', int(tonumber(t[5] or '0') + math.max(0, now - tonumber(t[4] or now))))
end
if redis.call('HGET', META, 'running') == ARGV[1] then
  redis.call('HSET', META, 'running_lease', 0)
  if redis.call('GET', LOCK) == ARGV[3] then redis.call('DEL', LOCK) end
end
return 'OK'
