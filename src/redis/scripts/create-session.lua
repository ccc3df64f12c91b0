-- create-session: makes a session without messages. Sent again, it finds the one that it made, and says so.
-- INCLUDE  time
-- KEYS     meta messages queue
-- ARGS     session_ttl_ms:number owner title metadata
-- REPLIES  OK now_ms | EXISTS
-- `metadata` is JSON, empty for none.
if redis.call('EXISTS', META, MESSAGES, QUEUE) > 0 then return EXISTS end
redis.call('HSET', META, 'created_at', int(now_ms), 'last_accessed', int(now_ms), 'message_count', 0, 'dropped', 0,
  'fence', now_us, 'epoch', now_us, 'generation', 0, 'owner', owner, 'title', title, 'metadata', metadata)
redis.call('PEXPIREAT', META, int(now_ms + session_ttl_ms))
return OK{now_ms = int(now_ms)}
