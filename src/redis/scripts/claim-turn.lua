-- claim-turn: takes a turn from a replica that died (its lease is over), or that does not answer a stop (`seize`).
-- include session
-- KEYS  1 meta  2 messages  3 queue  4 turns  5 lock  6 turn  7 log  8… idempotency keys
-- ARGV  1 turn id  2 replica  3 session  4 session TTL (ms)  5 lease (ms)  6 most deaths  7 mode (dead | seize)
--       8 known history (EPOCH/COUNT/FENCE)  9 tail (messages)  10 channel prefix of replicas
--       11 channel of those who watch  12 longest running time of all attempts (ms)
-- RETURNS  GONE | ENDED | ALIVE until (ms)
--          | ADOPTED confirmed (1 | 0) last-event-id waited (ms): it waits, and now for this replica
--          | SEIZED why (stopped kind | exhausted | unconfirmed) fence attempt count: to be ended by this replica
--          | GRANTED …: as open-turn; one attempt later, if it was begun
local TURN, LOG = KEYS[6], KEYS[7]
local turn, replica, session = ARGV[1], ARGV[2], ARGV[3]
local ttl, lease, most, mode = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]

local t = redis.call('HMGET', TURN, 'status', 'replica', 'lease', 'confirmed', 'attempt', 'fence', 'seized', 'created_at',
  'granted_at', 'ran', 'deaths', 'said')
local m = redis.call('HMGET', META, 'epoch', 'running', 'stop', 'stop_turn', 'message_count', 'dropped')
if not m[1] then return {'GONE'} end
if not t[1] then
  -- Its record is over and its session is not: what stands of it would keep the session busy.
  if m[2] == turn then clear_running() end
  for _, member in ipairs(redis.call('ZRANGE', QUEUE, 0, -1)) do
    if string.match(member, '^[^/]+') == turn then redis.call('ZREM', QUEUE, member) end
  end
  if not redis.call('HGET', META, 'running') then wake_next(ARGV[10], session) end
  return {'GONE'}
end
local old, attempt = t[2], tonumber(t[5])
local is_mine = old == replica and tonumber(t[3]) > now
local function is_confirmed() return t[4] or keep_for_others(TURN, turn) end
if t[1] == 'queued' then
  if tonumber(t[3]) > now and not is_mine then return {'ALIVE', t[3]} end
  local score = redis.call('ZSCORE', QUEUE, turn .. '/' .. old)
  redis.call('HSET', TURN, 'replica', replica, 'lease', int(now + lease), 'read_until', int(now + 5000))
  redis.call('ZADD', QUEUE, score or redis.call('HINCRBY', META, 'ticket', 1), turn .. '/' .. replica)
  if old ~= replica then redis.call('ZREM', QUEUE, turn .. '/' .. old) end
  turn_lives_until(now + ttl)
  local last = redis.call('XREVRANGE', LOG, '+', '-', 'COUNT', 1)[1]
  return {'ADOPTED', is_confirmed() and 1 or 0, last and last[1] or '0-0', int(now - tonumber(t[8]))}
elseif t[1] ~= 'running' then
  return {'ENDED'}
end

-- Sent again: the reply that it was claimed was lost.
if mode == 'dead' and is_mine then
  if t[7] then return {'SEIZED', t[7], m[4] == turn and m[3] or 'cancel', t[6], t[5], m[5]} end
  if t[4] then return granted_reply(TURN, t[6], t[5], ARGV[8], ARGV[9]) end
end
local lock_ttl = redis.call('PTTL', LOCK)
if mode == 'dead' then
  if tonumber(t[3]) > now then return {'ALIVE', t[3]} end
  if lock_ttl > 0 then return {'ALIVE', int(now + lock_ttl)} end
end
if m[2] ~= turn then
  -- Somebody edited it: the record says running, the session says otherwise. It can commit nothing any more.
  redis.call('HSET', TURN, 'status', 'failed', 'ended_at', int(now), 'kept', '0')
  redis.pcall('PUBLISH', ARGV[11], 'ended')
  return {'ENDED'}
end

-- A hand-over is no death: its replica let go of the turn, and counted the time. A death counts anew when the attempt
-- had logged more than any before it: what gets further each time is not what kills replicas.
local was_released = t[3] == '0'
local last = redis.call('XREVRANGE', LOG, '+', '-', 'COUNT', 1)[1]
local said = last and string.match(last[1], '^(%d+)-') == int(attempt) and tonumber(last[2][4] or '') or 0
local deaths, most_said, ran = tonumber(t[11] or '0'), tonumber(t[12] or '0'), tonumber(t[10] or '0')
if not was_released then
  deaths = said > most_said and 1 or deaths + 1
  ran = ran + math.max(0, math.min(now, tonumber(t[3])) - tonumber(t[9] or t[3]))
end

local why = nil
if not is_confirmed() then why = 'unconfirmed'
elseif m[4] == turn then why = 'stopped'
elseif mode == 'seize' then why = 'stopped'
elseif t[4] and ((not was_released and deaths >= most) or ran >= tonumber(ARGV[12])) then why = 'exhausted' end
-- Who did not confirm it never began it.
local was_begun = t[4] and not why
if was_begun then attempt = attempt + 1 end
local fence = grant(TURN, turn, replica, attempt, lease)
-- Readers of the replica that died need a moment to come back.
redis.call('HSET', TURN, 'read_until', int(now + 5000), 'claimed', 1)
if t[4] then redis.call('HSET', TURN, 'deaths', deaths, 'said', int(math.max(said, most_said)), 'ran', int(ran)) end
if not why then redis.call('HSET', TURN, 'confirmed', 1) end
redis.call('DEL', LOCK)
if old ~= replica then
  redis.pcall('PUBLISH', ARGV[10] .. old, cjson.encode({kind = 'fenced', session = session, turn = turn}))
end
if why then
  redis.call('HSET', TURN, 'seized', why)
  turn_lives_until(now + ttl)
  return {'SEIZED', why, m[4] == turn and m[3] or 'cancel', fence, int(attempt), m[5]}
end
if was_begun then
  redis.pcall('XADD', LOG, int(attempt) .. '-1', 'e', '[{"type":"restarted","attempt":' .. int(attempt) .. '}]')
  redis.pcall('PUBLISH', ARGV[11], int(attempt) .. '-1')
end
turn_lives_until(now + ttl)
return granted_reply(TURN, fence, int(attempt), ARGV[8], ARGV[9])
