-- rename-session: sets the title of a session that exists; its TTL stays as it is.
-- KEYS     meta
-- ARGS     title
-- REPLIES  OK | MISSING
if redis.call('HEXISTS', META, 'epoch') == 0 then return MISSING end
redis.call('HSET', META, 'title', title)
return OK
