-- rename-session: sets the title of a session that exists; its TTL stays as it is.
-- KEYS  1 meta
-- ARGV  1 title
-- RETURNS  OK | MISSING
if redis.call('HEXISTS', KEYS[1], 'epoch') == 0 then return 'MISSING' end
redis.call('HSET', KEYS[1], 'title', ARGV[1])
return 'OK'
