-- free-lock: the running turn finds its lock held, by who ran before or by its own request whose reply was lost.
-- The fence says that nobody else may hold it.
-- KEYS  1 meta  2 lock
-- ARGV  1 turn id  2 fence
-- RETURNS  OK | FENCED
local m = redis.call('HMGET', KEYS[1], 'running', 'fence')
if m[1] ~= ARGV[1] or m[2] ~= ARGV[2] then return 'FENCED' end
redis.call('DEL', KEYS[2])
return 'OK'
