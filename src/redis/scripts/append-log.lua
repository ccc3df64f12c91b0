-- append-log: adds a batch of events to the log of a turn that runs under this fence, or waits on this replica.
-- KEYS     turn log
-- ARGS     holder last_id events said_length watch_channel
-- REPLIES  OK | FENCED
-- `holder` is the fence, or the replica of a waiting turn. `last_id` is FENCE-SEQ of the last event, `events` a JSON
-- array, `said_length` the characters of text in the attempt so far. When it is sent again, the id is not newer than
-- the last one, so Redis refuses it, and the reply is OK again.
local t = redis.call('HMGET', TURN, 'status', 'fence', 'watched', 'replica')
local may_write = (t[1] == 'running' and t[2] == holder) or (t[1] == 'queued' and t[4] == holder)
if not may_write then return FENCED end
local added = redis.pcall('XADD', LOG, last_id, 'e', events, 's', said_length)
if type(added) == 'table' and added.err then
  if string.find(added.err, 'equal or smaller', 1, true) then return OK end
  return added
end
local expires_at = redis.call('PEXPIRETIME', TURN)
-- Negative when an operator removed the record's TTL: as a time it would delete the log.
if expires_at > 0 then redis.call('PEXPIREAT', LOG, string.format('%.0f', expires_at)) end
if t[3] then redis.pcall('PUBLISH', watch_channel, last_id) end
return OK
