-- admit-turn: admits a turn, or says why not. When nothing runs and nothing waits, the turn is granted at once.
-- INCLUDE  time ttl queue stop newest history grant idempotency
-- KEYS     meta messages queue turns lock turn log idempotency*
-- ARGS     turn_id replica session not_after_ms:number session_ttl_ms:number lease_ms:number queue_max:number on_busy
--          follows parent key_value replaces_value known tail:number channels owner message title profile*
-- REPLIES  GRANTED now_ms fence attempt epoch generation count dropped from messages continues renewed
--          | QUEUED now_ms position
--          | JOIN turn_id | EXISTS value acknowledged | BUSY turn_id position | PASSED | FULL | LATE now_ms | CORRUPT
-- `not_after_ms` is by the clock of Redis; 0: no deadline. `key_value` is stored under the idempotency key;
-- `replaces_value` is the value of an earlier try that it may replace. `profile`: fields and values of the record,
-- which say how to run the turn. `follows`: the turn that must be the last one (empty: any), else PASSED. `parent`: the
-- session that a new one is forked from. `renewed` is 1 when the TTL of the session was.
local KEY = IDEMPOTENCY[1]
local member = queue_member(turn_id, replica)

-- Only reads until everything is decided: a full Redis must refuse the whole script, never half of it.
local m = redis.call('HMGET', META, 'epoch', 'generation', 'message_count', 'dropped', 'last_message', 'running',
  'running_replica', 'fence')
local waiting = redis.call('ZCARD', QUEUE)
local running = m[6]
local is_new = not m[1]
local s = is_new and {epoch = now_us, generation = '0', count = 0, dropped = 0, last = ''} or history_state(m)

local function granted(fence, attempt, renewed)
  local from, messages, continues = history_since(s, known, tail)
  return GRANTED{now_ms = int(now_ms), fence = fence, attempt = attempt, epoch = s.epoch, generation = s.generation,
    count = s.count, dropped = s.dropped, from = from, messages = messages, continues = continues, renewed = renewed}
end

-- Sent again, because its reply was lost.
local sent_before = redis.call('HMGET', TURN, 'status', 'replica', 'fence', 'attempt')
if sent_before[1] == 'running' and sent_before[2] == replica and s then
  return granted(sent_before[3], sent_before[4], 1)
elseif sent_before[1] == 'queued' then
  return QUEUED{now_ms = int(now_ms), position = position_of(member) or 0}
elseif sent_before[1] then
  return LATE{now_ms = int(now_ms)}
end

if not_after_ms > 0 and now_ms > not_after_ms then return LATE{now_ms = int(now_ms)} end
if KEY then
  local value, acknowledged = used_under(KEY)
  if value and value ~= replaces_value then return EXISTS{value = value, acknowledged = acknowledged} end
end
if not s or (is_new and (running or waiting > 0 or redis.call('EXISTS', META, MESSAGES) > 0)) then return CORRUPT end
local is_busy = running or waiting > 0
if follows ~= '' then
  local last = waiting > 0 and parse_member(redis.call('ZRANGE', QUEUE, -1, -1)[1]) or running
  local message = not last and redis.call('LINDEX', MESSAGES, -1)
  if message then last = string.match(message, '"turn_id":"([^"]+)"') end
  if last ~= follows then return PASSED end
end
if is_busy and on_busy == 'reject' then
  local in_the_way = running or parse_member(redis.call('ZRANGE', QUEUE, 0, 0)[1])
  return BUSY{turn_id = in_the_way or '', position = waiting + (running and 1 or 0)}
end
if on_busy == 'coalesce' and waiting > 0 then
  return JOIN{turn_id = parse_member(redis.call('ZRANGE', QUEUE, -1, -1)[1]) or ''}
end
if is_busy and waiting >= queue_max then return FULL end

local lease_end = int(now_ms + lease_ms)
local fence = is_busy and (m[8] or now_us) or next_fence(m[8])
local meta = {'last_accessed', int(now_ms)}
if is_new then
  for _, field in ipairs({'created_at', int(now_ms), 'message_count', 0, 'dropped', 0, 'fence', now_us, 'epoch', now_us,
    'generation', 0, 'owner', owner, 'title', title}) do meta[#meta + 1] = field end
  if parent ~= '' then
    meta[#meta + 1] = 'parent'
    meta[#meta + 1] = parent
  end
end
local record = {'session', session, 'message', message, 'on_busy', on_busy, 'created_at', int(now_ms)}
for _, field in ipairs(profile) do record[#record + 1] = field end
local function add(list, ...) for _, field in ipairs({...}) do list[#list + 1] = field end end
if is_busy then
  add(record, 'status', 'queued', 'attempt', 0, 'replica', replica, 'lease', lease_end)
else
  add(meta, running_fields(fence, turn_id, replica, lease_end))
  add(record, 'started_at', int(now_ms), granted_fields(fence, replica, 1, lease_end))
end
if KEY then add(record, 'idem', hash_in(KEY)) end
redis.call('HSET', META, unpack(meta))
redis.call('HSET', TURN, unpack(record))
if KEY then
  redis.call('SET', KEY, key_value .. UNACKNOWLEDGED)
  redis.call('ZADD', TURNS, '+inf', turn_id, '+inf', turn_id .. '#' .. hash_in(KEY))
else
  redis.call('ZADD', TURNS, '+inf', turn_id)
end
-- Now and then is enough: entries of turns whose keys have expired only take up space.
if tonumber(now_us) % 32 == 0 then redis.call('ZREMRANGEBYSCORE', TURNS, '-inf', '(' .. int(now_ms)) end

local position = 0
if is_busy then
  local ticket = redis.call('HINCRBY', META, 'ticket', 1)
  if on_busy == 'interrupt' or on_busy == 'rollback' then
    ticket = -ticket
    if running then ask_to_stop(running, on_busy, m[7], channels, session) end
  end
  redis.call('ZADD', QUEUE, ticket, member)
  position = position_of(member)
  -- A log that cannot be written never costs a turn, only its replay.
  if position > 0 then redis.pcall('XADD', LOG, '0-1', 'position', position) end
end
-- A session with most of its time left is renewed by the beats and the end of the turn; its new keys join it.
local expires_at = (is_new or is_busy) and 0 or redis.call('PEXPIRETIME', META)
local has_time = expires_at - now_ms >= math.max(30000, session_ttl_ms / 2) and expires_at <= now_ms + session_ttl_ms
if not has_time then
  expires_at = now_ms + session_ttl_ms
  expire_session(expires_at, is_busy)
end
expire_turn(expires_at, is_busy)
if is_busy then return QUEUED{now_ms = int(now_ms), position = position} end
return granted(fence, 1, has_time and 0 or 1)
