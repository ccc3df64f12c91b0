-- repair-session: makes the counts of one session true and drops queue entries whose turn is gone.
-- include session
-- KEYS  1 meta  2 messages  3 queue  4 turns  5 lock  6… records of the queued turns
-- ARGV  1 dry run (1 | 0)  2 session TTL (ms)  3 session  4 channel prefix of replicas  5 most messages looked at
--       6… queue members, in the order of KEYS 6…
-- RETURNS  MISSING | OK counts-repaired queue-dropped ttl-repaired expires-at (ms) message-count
local dry = ARGV[1] == '1'
local m = redis.call('HMGET', META, 'epoch', 'message_count', 'dropped', 'running')
if not m[1] then return {'MISSING'} end
local counts, queued, ttls = 0, 0, 0

local length = redis.call('LLEN', MESSAGES)
local dropped = tonumber(m[3] or '') or 0
local count = dropped + length
if tonumber(m[2] or '') ~= count or not tonumber(m[3] or '') then
  counts = 1
  if not dry then redis.call('HSET', META, 'message_count', int(count), 'dropped', int(dropped)) end
end
for i = 6, #KEYS do
  local member = ARGV[i]
  if redis.call('ZSCORE', QUEUE, member) and redis.call('EXISTS', KEYS[i]) == 0 then
    queued = queued + 1
    if not dry then redis.call('ZREM', QUEUE, member) end
  end
end
if queued > 0 and not dry and not m[4] then wake_next(ARGV[4], ARGV[3]) end

local session_end = redis.call('PEXPIRETIME', META)
if session_end < 0 then
  session_end = now + tonumber(ARGV[2])
  ttls = 1
end
for _, key in ipairs({META, MESSAGES, QUEUE, TURNS}) do
  local at = redis.call('PEXPIRETIME', key)
  if at ~= -2 and at ~= session_end then
    ttls = 1
    if not dry then redis.call('PEXPIREAT', key, int(session_end)) end
  end
end
return {'OK', counts, queued, ttls, int(session_end), int(count)}
