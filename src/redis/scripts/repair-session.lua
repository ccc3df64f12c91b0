-- repair-session: corrects the counts and TTLs of one session, drops queue entries whose turn is gone, and frees a
-- session that a turn without a record keeps busy. It relies only on what is stored now, so a live turn loses nothing.
-- INCLUDE  time queue
-- KEYS     meta messages queue turns lock running_record records*
-- ARGS     dry_run:number session_ttl_ms:number session channels lease_ms:number running_turn waiting_count:number most:number
--          members*
-- REPLIES  OK counts queue_dropped ttls freed expires_at_ms fence epoch running_turn waiting_turns skipped
--          | MORE running_turn queue_members turns_members | CORRUPT skipped | GONE
-- `records`: those of the queue members, then record, log and idempotency key of each member of `turns`; `members` are
-- both in the same order, the first `waiting_count` from the queue. -1: if there are any, the reply lists them (MORE),
-- at most `most` of each. `running_turn` is the turn of `running_record`, empty for none. `skipped` is key, reason, …
local is_dry, waiting = dry_run == 1, waiting_count

local corrupt = {}
local function skip(list, key, reason)
  list[#list + 1] = key
  list[#list + 1] = reason
end
for key, expected in pairs({[META] = 'hash', [MESSAGES] = 'list', [QUEUE] = 'zset', [TURNS] = 'zset', [LOCK] = 'string'}) do
  local found = redis.call('TYPE', key).ok
  if found ~= 'none' and found ~= expected then skip(corrupt, key, 'is a ' .. found .. ', not a ' .. expected) end
end
if #corrupt > 0 then return CORRUPT{skipped = corrupt} end
if redis.call('EXISTS', META) == 0 then return GONE end
local m = redis.call('HMGET', META, 'created_at', 'last_accessed', 'fence', 'epoch', 'message_count', 'dropped', 'running',
  'last_message')
for i, name in ipairs({'created_at', 'last_accessed', 'fence', 'epoch'}) do
  if not whole(m[i]) then skip(corrupt, META, 'its ' .. name .. ' is not a number') end
end
if #corrupt > 0 then return CORRUPT{skipped = corrupt} end
local fence, epoch, running, skipped = m[3], m[4], m[7], {}
if waiting < 0 then
  waiting = 0
  if running or redis.call('EXISTS', QUEUE, TURNS) > 0 then
    return MORE{running_turn = running or '', queue_members = redis.call('ZRANGE', QUEUE, 0, most - 1),
      turns_members = redis.call('ZRANGE', TURNS, 0, most - 1)}
  end
end

-- The counts must match the list; the new generation makes replicas drop what they have cached.
local counts = 0
local length = redis.call('LLEN', MESSAGES)
local count, dropped = whole(m[5]), whole(m[6])
local last = length > 0 and string.match(redis.call('LINDEX', MESSAGES, -1), '^{"id":"([^"]+)"') or ''
if not count or not dropped or count ~= dropped + length or (m[8] or '') ~= last then
  counts, dropped = 1, dropped or 0
  if not is_dry then
    redis.call('HSET', META, 'message_count', int(dropped + length), 'dropped', int(dropped), 'last_message', last)
    redis.call('HINCRBY', META, 'generation', 1)
  end
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
if running and running == running_turn then
  local record = record_at(RUNNING_RECORD)
  local has_ended = record and
    (record.status == 'completed' or record.status == 'cancelled' or record.status == 'failed')
  if not record or has_ended then
    freed = 1
    if not is_dry then clear_running() end
    running = false
  end
end

local live, gone = {}, 0
for i = 1, waiting do
  local member = members[i]
  if redis.call('ZSCORE', QUEUE, member) then
    local id, owner = parse_member(member)
    local record = id and record_at(RECORDS[i])
    local stays = record and not record.status
    if record and record.status == 'queued' then
      -- A turn that was taken over is queued under its new replica.
      stays = owner == record.replica or not redis.call('ZSCORE', QUEUE, queue_member(id, record.replica or ''))
    end
    if stays then
      if record.status then live[#live + 1] = id end
    else
      gone = gone + 1
      if not is_dry then redis.call('ZREM', QUEUE, member) end
    end
  end
end

local ttls = 0
local session_end = redis.call('PEXPIRETIME', META)
if session_end < 0 then session_end = now_ms + session_ttl_ms end
local function expire(key, at_ms)
  ttls = 1
  if not is_dry then redis.call('PEXPIREAT', key, int(at_ms)) end
end
for _, key in ipairs({META, MESSAGES, QUEUE, TURNS}) do
  local at = redis.call('PEXPIRETIME', key)
  if at ~= -2 and at ~= session_end then expire(key, session_end) end
end
if redis.call('PEXPIRETIME', LOCK) == -1 then expire(LOCK, now_ms + lease_ms) end
for i = 1, #members - waiting do
  local member, first = members[waiting + i], waiting + 3 * i - 2
  local score = tonumber(redis.call('ZSCORE', TURNS, member) or '')
  for k = first, score and first + 2 or 0 do
    local key = RECORDS[k]
    local at = redis.call('PEXPIRETIME', key)
    if at == -1 or at > session_end then
      -- An idempotency key may belong to a newer turn as well; it gets the longest time that it may have.
      expire(key, k == first + 2 and session_end or math.min(score, session_end))
    end
  end
  -- Its keys have expired as well by now; the next run has less to do.
  if score and score < now_ms and not is_dry then redis.call('ZREM', TURNS, member) end
end

-- Last, and only if something was dropped or freed: an error in a script does not undo what it wrote before.
local head = redis.call('ZRANGE', QUEUE, 0, 0)[1]
if not is_dry and not running and gone + freed > 0 and head then wake_next(channels, session) end
return OK{counts = counts, queue_dropped = gone, ttls = ttls, freed = freed, expires_at_ms = int(session_end), fence = fence,
  epoch = epoch, running_turn = running or '', waiting_turns = live, skipped = skipped}
