-- admit-turn: takes a turn in, or tells why not. Nothing runs and nothing waits: granted at once.
-- include session
-- KEYS  1 meta  2 messages  3 queue  4 turns  5 lock  6 turn  7 log  8 idempotency key
-- ARGV  1 turn id  2 replica  3 session (owner/conversation)  4 admit not after (ms, Redis' time; 0: always)
--       5 session TTL (ms)  6 lease (ms)  7 most waiting turns  8 on_busy  9 idempotency value ('': none)
--       10 idempotency value it may replace ('': none)  11 known history (EPOCH/COUNT/FENCE)  12 tail (messages)
--       13 channel prefix of replicas  14 owner as given  15 message  16 title
-- RETURNS  LATE now | EXISTS value told (1 | 0) | CORRUPT | BUSY turn position | FULL | JOIN last-waiting-turn
--          | GRANTED now fence attempt epoch count dropped from messages continues
--          | QUEUED now position
local TURN, LOG, IDEM = KEYS[6], KEYS[7], KEYS[8]
local turn, replica, session = ARGV[1], ARGV[2], ARGV[3]
local deadline, ttl, lease = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local on_busy, idem, old_idem = ARGV[8], ARGV[9], ARGV[10]
local member = turn .. '/' .. replica

-- Only reads until all is decided: a full Redis must refuse the whole script, never half of it.
local m = redis.call('HMGET', META, 'epoch', 'message_count', 'dropped', 'running', 'running_replica')
local count, dropped, running = tonumber(m[2] or '0'), tonumber(m[3] or '0'), m[4]
local waiting = redis.call('ZCARD', QUEUE)
redis.call('ZCARD', TURNS)

local sent_before = redis.call('HGET', TURN, 'status')
if sent_before == 'running' and redis.call('HGET', TURN, 'replica') == replica then
  local t = redis.call('HMGET', TURN, 'fence', 'attempt')
  return {'GRANTED', int(now), t[1], t[2], unpack(history_for(ARGV[11], tonumber(ARGV[12])))}
elseif sent_before == 'queued' then
  return {'QUEUED', int(now), position_of(member) or 0}
elseif sent_before then
  return {'LATE', int(now)}
end

if deadline > 0 and now > deadline then return {'LATE', int(now)} end
if idem ~= '' then
  local known, told = known_under(IDEM)
  if known and known ~= old_idem then return {'EXISTS', known, told} end
end
if not is_whole(count, dropped) or (not m[1] and (running or waiting > 0)) then return {'CORRUPT'} end
local busy = running or waiting > 0
if busy and on_busy == 'reject' then
  return {'BUSY', running or string.match(redis.call('ZRANGE', QUEUE, 0, 0)[1], '^[^/]+'), waiting + (running and 1 or 0)}
end
if on_busy == 'coalesce' and waiting > 0 then
  return {'JOIN', string.match(redis.call('ZRANGE', QUEUE, -1, -1)[1], '^[^/]+')}
end
if busy and waiting >= tonumber(ARGV[7]) then return {'FULL'} end

if not m[1] then
  redis.call('HSET', META, 'created_at', int(now), 'message_count', 0, 'dropped', 0, 'fence', now_us, 'epoch', now_us,
    'owner', ARGV[14], 'title', ARGV[16])
end
redis.call('HSET', META, 'last_accessed', int(now))
redis.call('HSET', TURN, 'status', 'queued', 'session', session, 'attempt', 0, 'replica', replica,
  'lease', int(now + lease), 'message', ARGV[15], 'on_busy', on_busy, 'created_at', int(now))
if idem ~= '' then
  redis.call('SET', IDEM, idem .. UNTOLD)
  redis.call('HSET', TURN, 'idem', hash_in(IDEM))
  redis.call('ZADD', TURNS, '+inf', turn .. '#' .. hash_in(IDEM))
end
redis.call('ZREMRANGEBYSCORE', TURNS, '-inf', '(' .. int(now))
redis.call('ZADD', TURNS, '+inf', turn)

if not busy then
  local fence = grant(TURN, turn, replica, 1, lease)
  turn_lives_until(now + ttl)
  return {'GRANTED', int(now), fence, '1', unpack(history_for(ARGV[11], tonumber(ARGV[12])))}
end

local ticket = redis.call('HINCRBY', META, 'ticket', 1)
if on_busy == 'interrupt' or on_busy == 'rollback' then
  ticket = -ticket
  if running then ask_to_stop(running, on_busy, m[5], ARGV[13], session) end
end
redis.call('ZADD', QUEUE, ticket, member)
local position = position_of(member)
if position > 0 then log_entry(LOG, '', false, '0-1', '[{"type":"queued","position":' .. position .. '}]') end
turn_lives_until(now + ttl)
return {'QUEUED', int(now), position}
