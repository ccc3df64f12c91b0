-- claim-turn: takes a turn from a replica that died (its lease has expired), or that ignores a stop (`seize`).
-- INCLUDE  time ttl queue newest history grant idempotency joined dependents granted
-- KEYS     meta messages queue turns lock turn log idempotency*
-- ARGS     turn_id replica session session_ttl_ms:number lease_ms:number most_deaths:number most_ran_ms:number mode known
--          tail:number channels watch_channel
-- REPLIES  GRANTED now_ms fence attempt epoch generation count dropped from messages continues inputs ran_ms agent model door
--          on_disconnect options echo
--          | ADOPTED confirmed last_id waited_ms on_disconnect | SEIZED why stop fence attempt count | ALIVE until_ms
--          | UNNAMED hashes | GONE | ENDED | CORRUPT
-- `mode` is dead or seize. ADOPTED: the turn waits, and now for this replica. SEIZED: this replica is to end it; `why`
-- is stopped, exhausted or unconfirmed.
local t = redis.call('HMGET', TURN, 'status', 'replica', 'lease', 'confirmed', 'attempt', 'fence', 'seized', 'created_at',
  'granted_at', 'ran', 'deaths', 'said', 'idem', 'joined')
local m = redis.call('HMGET', META, 'epoch', 'generation', 'message_count', 'dropped', 'last_message', 'running', 'stop',
  'stop_turn', 'fence')
if not m[1] then return GONE end
if not t[1] then
  -- Its record has expired but its session has not: what is left of the turn would keep the session busy.
  if m[6] == turn_id then clear_running() end
  for _, member in ipairs(redis.call('ZRANGE', QUEUE, 0, -1)) do
    if parse_member(member) == turn_id then redis.call('ZREM', QUEUE, member) end
  end
  if not redis.call('HGET', META, 'running') then wake_next(channels, session) end
  return GONE
end
if t[1] ~= 'queued' and t[1] ~= 'running' then return ENDED end
local hashes = unnamed(t[13], t[14])
if hashes then return UNNAMED{hashes = hashes} end
local old, lease, attempt = t[2] or '', whole(t[3]), whole(t[5])
if not lease or not attempt then return CORRUPT end
local is_mine = old == replica and lease > now_ms
local function is_confirmed() return t[4] or keep_for_dependents(turn_id) end

if t[1] == 'queued' then
  if lease > now_ms and not is_mine then return ALIVE{until_ms = lease} end
  local score = redis.call('ZSCORE', QUEUE, queue_member(turn_id, old))
  redis.call('HSET', TURN, 'replica', replica, 'lease', int(now_ms + lease_ms), 'read_until', int(now_ms + 5000))
  redis.call('ZADD', QUEUE, score or redis.call('HINCRBY', META, 'ticket', 1), queue_member(turn_id, replica))
  if old ~= replica then redis.call('ZREM', QUEUE, queue_member(turn_id, old)) end
  expire_session(now_ms + session_ttl_ms)
  expire_turn(now_ms + session_ttl_ms)
  local last = redis.call('XREVRANGE', LOG, '+', '-', 'COUNT', 1)[1]
  return ADOPTED{confirmed = is_confirmed() and 1 or 0, last_id = last and last[1] or '0-0',
    waited_ms = int(now_ms - (whole(t[8]) or now_ms)), on_disconnect = redis.call('HGET', TURN, 'on_disconnect') or ''}
end

local function granted(fence, number)
  local s = history_state(m)
  if not s then return CORRUPT end
  local from, messages, continues = history_since(s, known, tail)
  return GRANTED(with_work{now_ms = int(now_ms), fence = fence, attempt = int(number), epoch = s.epoch,
    generation = s.generation, count = s.count, dropped = s.dropped, from = from, messages = messages,
    continues = continues})
end
local stop = m[8] == turn_id and m[7] or 'cancel'

-- Sent again, because the reply to the claim was lost.
if mode == 'dead' and is_mine then
  if t[7] then
    return SEIZED{why = t[7], stop = stop, fence = t[6] or '', attempt = int(attempt), count = m[3] or '0'}
  end
  if t[4] then return granted(t[6], attempt) end
end
if mode == 'dead' then
  if lease > now_ms then return ALIVE{until_ms = lease} end
  local lock_ttl = redis.call('PTTL', LOCK)
  if lock_ttl > 0 then return ALIVE{until_ms = int(now_ms + lock_ttl)} end
end
if m[6] ~= turn_id then
  -- An operator edited it: the record says running, the session says otherwise. It can no longer commit anything.
  redis.call('HSET', TURN, 'status', 'failed', 'ended_at', int(now_ms), 'kept', '0')
  publish(watch_channel, 'ended')
  return ENDED
end

-- A hand-over is not a death: its replica released the turn and counted the running time. The count of deaths starts
-- anew when the attempt had logged more than any before it: what gets further each time is not what kills replicas.
local was_released = lease == 0
local last = redis.call('XREVRANGE', LOG, '+', '-', 'COUNT', 1)[1]
local said = last and string.match(last[1], '^(%d+)-') == t[6] and tonumber(last[2][4] or '') or 0
local deaths, most_said, ran_ms = whole(t[11]) or 0, whole(t[12]) or 0, whole(t[10]) or 0
if not was_released then
  deaths = said > most_said and 1 or deaths + 1
  ran_ms = ran_ms + math.max(0, math.min(now_ms, lease) - (whole(t[9]) or lease))
end

local why = nil
if not is_confirmed() then why = 'unconfirmed'
elseif m[8] == turn_id or mode == 'seize' then why = 'stopped'
elseif t[4] and ((not was_released and deaths >= most_deaths) or ran_ms >= most_ran_ms) then why = 'exhausted' end
-- A replica that did not confirm the turn never began it.
local was_begun = t[4] and not why
if was_begun then attempt = attempt + 1 end
local fence = grant(m[9], turn_id, replica, attempt, lease_ms)
-- Readers of the dead replica need a moment to come back.
redis.call('HSET', TURN, 'read_until', int(now_ms + 5000), 'claimed', 1)
if t[4] then
  redis.call('HSET', TURN, 'deaths', deaths, 'said', int(math.max(said, most_said)), 'ran', int(ran_ms))
end
redis.call('DEL', LOCK)
if old ~= replica then
  publish(channels .. old, cjson.encode({kind = 'fenced', session = session, turn = turn_id}))
end
expire_session(now_ms + session_ttl_ms)
expire_turn(now_ms + session_ttl_ms)
if why then
  redis.call('HSET', TURN, 'seized', why)
  return SEIZED{why = why, stop = stop, fence = fence, attempt = int(attempt), count = m[3] or '0'}
end
redis.call('HSET', TURN, 'confirmed', 1)
if was_begun then
  redis.pcall('XADD', LOG, fence .. '-1', 'attempt', int(attempt))
  publish(watch_channel, fence .. '-1')
end
return granted(fence, attempt)
