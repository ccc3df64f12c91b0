-- append-log: puts a batch of events into a turn's log, if it still runs with this fence, or waits for this replica.
-- KEYS  1 turn  2 log
-- ARGV  1 fence, or replica of a waiting turn  2 id of the last event (ATTEMPT-SEQ)  3 events (JSON array)  4 channel of those who watch
--       5 characters that the attempt has said by the end of these events
-- RETURNS  OK | FENCED
-- Sent twice: the id is not newer than the last one, so Redis refuses it, and the answer is OK again.
local t = redis.call('HMGET', KEYS[1], 'status', 'fence', 'watched', 'replica')
local may = (t[1] == 'running' and t[2] == ARGV[1]) or (t[1] == 'queued' and t[4] == ARGV[1])
if not may then return 'FENCED' end
local added = redis.pcall('XADD', KEYS[2], ARGV[2], 'e', ARGV[3], 's', ARGV[5])
if type(added) == 'table' and added.err then
  if string.find(added.err, 'equal or smaller', 1, true) then return 'OK' end
  return added
end
local record_end = redis.call('PEXPIRETIME', KEYS[1])
-- Negative where somebody took the record's end away: as a time it would delete the log.
if record_end > 0 then redis.call('PEXPIREAT', KEYS[2], record_end) end
if t[3] then redis.pcall('PUBLISH', ARGV[4], ARGV[2]) end
return 'OK'
