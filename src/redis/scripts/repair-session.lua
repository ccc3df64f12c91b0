-- repair-session: makes the counts and TTLs of one session true, drops queue entries whose turn is gone, and frees
-- a session that a turn without a record keeps busy. All by what stands now, so a live turn loses nothing.
-- include session
-- KEYS  1 meta  2 messages  3 queue  4 turns  5 lock  6 record of the running turn
--       7… records of the queue members, then record, log and idempotency key of each member of `turns`
-- ARGV  1 dry run (1 | 0)  2 session TTL (ms)  3 session  4 channel prefix of replicas  5 lease (ms)
--       6 running turn that KEYS 6 belongs to ('': none)
--       7 number of queue members, -1: to be told if there are more keys to look at  8 most to be told of each kind
--       9… queue members, then members of `turns`, both in the order of KEYS
-- RETURNS  GONE | CORRUPT skipped (key reason …) | MORE running-turn queue-members turns-members
--          | OK counts-repaired queue-dropped ttl-repaired freed expires-at (ms) fence epoch running-turn
--            waiting-turns skipped (key reason …)
local dry, waiting = ARGV[1] == '1', tonumber(ARGV[7])
local function whole(text) return text and #text <= 16 and string.match(text, '^%d+$') and tonumber(text) end

local corrupt = {}
local function skip(list, key, reason)
  list[#list + 1] = key
  list[#list + 1] = reason
end
for i, expected in ipairs({'hash', 'list', 'zset', 'zset', 'string'}) do
  local found = redis.call('TYPE', KEYS[i]).ok
  if found ~= 'none' and found ~= expected then skip(corrupt, KEYS[i], 'is a ' .. found .. ', not a ' .. expected) end
end
if #corrupt > 0 then return {'CORRUPT', corrupt} end
if redis.call('EXISTS', META) == 0 then return {'GONE'} end
local m = redis.call('HMGET', META, 'created_at', 'last_accessed', 'fence', 'epoch', 'message_count', 'dropped', 'running')
for i, name in ipairs({'created_at', 'last_accessed', 'fence', 'epoch'}) do
  if not whole(m[i]) then skip(corrupt, META, 'its ' .. name .. ' is not a number') end
end
if #corrupt > 0 then return {'CORRUPT', corrupt} end
local fence, epoch, running, skipped = m[3], m[4], m[7], {}
if waiting < 0 then
  waiting = 0
  if running or redis.call('EXISTS', QUEUE, TURNS) > 0 then
    local last = tonumber(ARGV[8]) - 1
    return {'MORE', running or '', redis.call('ZRANGE', QUEUE, 0, last), redis.call('ZRANGE', TURNS, 0, last)}
  end
end

-- A message's id is its place in the whole history, so the first one tells how many were dropped before it.
local counts = 0
local length = redis.call('LLEN', MESSAGES)
local count, dropped = whole(m[5]), whole(m[6])
if not count or not dropped or count ~= dropped + length then
  local first = length > 0 and string.match(redis.call('LINDEX', MESSAGES, 0), '^{"id":"m(%d+)"')
  dropped = whole(first) or dropped or 0
  counts = 1
  if not dry then redis.call('HSET', META, 'message_count', int(dropped + length), 'dropped', int(dropped)) end
end

-- What a turn's record says, or nil when there is none; without a status when it cannot be read.
local function record_at(key)
  local found = redis.call('TYPE', key).ok
  if found == 'none' then return nil end
  if found ~= 'hash' then
    skip(skipped, key, 'is a ' .. found .. ', not a hash')
    return {}
  end
  local t = redis.call('HMGET', key, 'status', 'replica')
  if not t[1] then skip(skipped, key, 'has no status') end
  return {status = t[1], replica = t[2]}
end

local freed = 0
if running and running == ARGV[6] then
  local record = record_at(KEYS[6])
  local ended = record and (record.status == 'completed' or record.status == 'cancelled' or record.status == 'failed')
  if not record or ended then
    freed = 1
    if not dry then clear_running() end
    running = false
  end
end

local live, gone = {}, 0
for i = 1, waiting do
  local member = ARGV[8 + i]
  if redis.call('ZSCORE', QUEUE, member) then
    local turn, replica = string.match(member, '^([^/]+)/(.+)$')
    local record = turn and record_at(KEYS[6 + i])
    local stays = record and not record.status
    if record and record.status == 'queued' then
      -- Taken over, a turn stands in the queue under its new replica.
      stays = replica == record.replica or not redis.call('ZSCORE', QUEUE, turn .. '/' .. (record.replica or ''))
    end
    if stays then
      if record.status then live[#live + 1] = turn end
    else
      gone = gone + 1
      if not dry then redis.call('ZREM', QUEUE, member) end
    end
  end
end

local ttls = 0
local session_end = redis.call('PEXPIRETIME', META)
if session_end < 0 then session_end = now + tonumber(ARGV[2]) end
local function ends_at(key, at)
  ttls = 1
  if not dry then redis.call('PEXPIREAT', key, int(at)) end
end
for i = 1, 4 do
  local at = redis.call('PEXPIRETIME', KEYS[i])
  if at ~= -2 and at ~= session_end then ends_at(KEYS[i], session_end) end
end
if redis.call('PEXPIRETIME', LOCK) == -1 then ends_at(LOCK, now + tonumber(ARGV[5])) end
for i = 1, #ARGV - 8 - waiting do
  local member, first = ARGV[8 + waiting + i], 4 + waiting + 3 * i
  local score = tonumber(redis.call('ZSCORE', TURNS, member) or '')
  for k = first, score and first + 2 or 0 do
    local at = redis.call('PEXPIRETIME', KEYS[k])
    if at == -1 or at > session_end then
      -- An idempotency key may belong to a newer turn as well; it lives the longest that it may.
      ends_at(KEYS[k], k == first + 2 and session_end or math.min(score, session_end))
    end
  end
  -- Its keys are over as well by now, so that the next look has less to do.
  if score and score < now and not dry then redis.call('ZREM', TURNS, member) end
end

-- Last, and only over what was looked at: an error in a script undoes nothing of what it wrote before.
local head = redis.call('ZRANGE', QUEUE, 0, 0)[1]
if not dry and not running and gone + freed > 0 and head and string.match(head, '^[^/]+/.+$') then
  wake_next(ARGV[4], ARGV[3])
end
return {'OK', counts, gone, ttls, freed, int(session_end), fence, epoch, running or '', live, skipped}
