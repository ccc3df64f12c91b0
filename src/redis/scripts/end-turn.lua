-- end-turn: ends a running turn: all its messages become history, or none; frees the lock and wakes the next turn.
-- INCLUDE  time ttl full queue idempotency joined
-- KEYS     meta messages queue turns lock turn log idempotency*
-- ARGS     turn_id session fence lock_value session_ttl_ms:number log_ttl_ms:number outcome heeds most_messages:number
--          count_before:number channels watch_channel last_message kept finish_reason usage failure edit_count:number
--          batch_count:number begin_count:number values*
-- REPLIES  OK now_ms count | STOPPED stop | LOCKED | UNNAMED hashes | GONE | FENCED | CORRUPT
-- `outcome` is completed, cancelled or failed. `heeds` is the stop that this end respects: empty for none, a kind, or
-- `any`; another one gives STOPPED. `lock_value` is empty when no lock is held; LOCKED: the lock has another value, but
-- the fence is still ours. `values`: for each edit the place of a message in the whole history and its new JSON (empty:
-- it is removed); for each batch of events FENCE-SEQ of its last one and a JSON array; then the new messages, of which
-- the first `begin_count` are those that a fork begins with. `last_message` is the id of the last one of all.
local m = redis.call('HMGET', META, 'fence', 'running', 'message_count', 'dropped', 'stop', 'stop_turn')
local t = redis.call('HMGET', TURN, 'status', 'fence', 'watched', 'message_count', 'idem', 'joined')
if not m[1] or not t[1] then return GONE end
-- Sent again, because its reply was lost.
if t[2] == fence and t[1] == outcome then return OK{now_ms = int(now_ms), count = t[4] or '0'} end
if t[1] ~= 'running' or t[2] ~= fence or m[1] ~= fence or m[2] ~= turn_id then return FENCED end
local hashes = unnamed(t[5], t[6])
if hashes then return UNNAMED{hashes = hashes} end
local holder = redis.call('GET', LOCK)
if holder and holder ~= lock_value then return LOCKED end
if m[6] == turn_id and heeds ~= 'any' and heeds ~= m[5] then return STOPPED{stop = m[5] or ''} end
local first_batch, first_message = 2 * edit_count + 1, 2 * (edit_count + batch_count) + 1
local count, dropped, added = whole(m[3]), whole(m[4]), #values - first_message + 1
local changes = added > 0 or edit_count > 0
if changes then
  if not count or not dropped or count ~= count_before then return CORRUPT end
  if edit_count > 0 then
    if redis.call('LLEN', MESSAGES) + dropped ~= count then return CORRUPT end
    for i = 1, 2 * edit_count, 2 do
      redis.call('LSET', MESSAGES, values[i] - dropped, values[i + 1])
    end
    -- No message is empty.
    count = count - redis.call('LREM', MESSAGES, 0, '')
    -- Whoever knows the history must read it anew.
    redis.call('HINCRBY', META, 'generation', 1)
  end
  local length = count - dropped
  -- Lua cannot unpack more than some thousand values at once.
  for first = first_message, #values, 1000 do
    length = redis.call('RPUSH', MESSAGES, unpack(values, first, math.min(first + 999, #values)))
  end
  if length + dropped ~= count + added then
    redis.call('RPOP', MESSAGES, added)
    return CORRUPT
  end
else
  -- A turn that keeps nothing must be able to end: otherwise it would keep its session busy for ever.
  even_if_full()
end
count = (count or 0) + added
local meta = {'last_accessed', int(now_ms)}
if changes then
  for _, field in ipairs({'message_count', int(count), 'last_message', last_message}) do meta[#meta + 1] = field end
end
local record = {'messages', added - begin_count, 'status', outcome, 'ended_at', int(now_ms), 'message_count', int(count), 'kept', kept}
for name, value in pairs({finish_reason = finish_reason, usage = usage, error = failure}) do
  if value ~= '' then
    record[#record + 1] = name
    record[#record + 1] = value
  end
end
redis.call('HSET', TURN, unpack(record))
redis.call('HSET', META, unpack(meta))
-- A log that cannot be written never costs a turn, only its replay.
for i = first_batch, first_message - 1, 2 do redis.pcall('XADD', LOG, values[i], 'e', values[i + 1]) end
if t[3] then publish(watch_channel, outcome) end

-- Past the limit the oldest whole turns are dropped; a turn's messages are adjacent, so it ends where the id changes.
local excess = added > 0 and count - dropped - most_messages or 0
if excess > 0 then
  local function turn_at(place)
    local message = redis.call('LINDEX', MESSAGES, place)
    return message and (string.match(message, '"turn_id":"([^"]+)"') or '')
  end
  local function starts_with_result(place)
    local message = redis.call('LINDEX', MESSAGES, place)
    -- It goes with its call, which the turn before it holds. Inside a text the quotes would be escaped.
    return message and string.find(message, '"role":"tool"', 1, true)
  end
  local cut = 0
  while cut < excess and cut < 2000 do
    local oldest = turn_at(cut)
    if oldest == turn_id then break end
    repeat
      cut = cut + 1
      local following = turn_at(cut)
      if following ~= oldest and following ~= turn_id and starts_with_result(cut) then oldest = following end
    until following ~= oldest
  end
  if cut > 0 then
    redis.call('LTRIM', MESSAGES, cut, -1)
    redis.call('HINCRBY', META, 'dropped', cut)
  end
end

clear_running()
if holder == lock_value then redis.call('DEL', LOCK) end
local has_queue = redis.call('ZCARD', QUEUE) > 0
expire_session(now_ms + session_ttl_ms, has_queue)
expire_ended(turn_id, now_ms + math.min(log_ttl_ms, session_ttl_ms), t[5], t[6])
if has_queue then wake_next(channels, session) end
return OK{now_ms = int(now_ms), count = int(count)}
