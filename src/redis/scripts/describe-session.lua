-- describe-session: sets fields of the metadata of a session that exists (title, metadata); its TTL stays as it is.
-- KEYS     meta
-- ARGS     fields*
-- REPLIES  OK | MISSING
-- `fields`: names and values.
if redis.call('HEXISTS', META, 'epoch') == 0 then return MISSING end
redis.call('HSET', META, unpack(fields))
return OK
