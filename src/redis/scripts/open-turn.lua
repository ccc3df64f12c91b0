-- open-turn: a waiting turn asks whether it is its turn now; renews its lease either way.
-- include session
-- KEYS  1 meta  2 messages  3 queue  4 turns  5 lock  6 turn  7 log  8… idempotency keys
-- ARGV  1 turn id  2 replica  3 session  4 session TTL (ms)  5 lease (ms)
--       6 known history (EPOCH/COUNT/FENCE)  7 tail (messages)  8 channel prefix of replicas
-- RETURNS  GONE | ENDED | TAKEN | CORRUPT
--          | WAITING now position running-turn running-lease hashes (of the idempotency keys that mean it)
--          | GRANTED now fence attempt epoch count dropped from messages continues user-messages hashes ran (ms)
local TURN = KEYS[6]
local turn, replica = ARGV[1], ARGV[2]
local ttl, lease = tonumber(ARGV[4]), tonumber(ARGV[5])
local member = turn .. '/' .. replica

local t = redis.call('HMGET', TURN, 'status', 'replica', 'fence', 'attempt')
local m = redis.call('HMGET', META, 'epoch', 'running', 'running_lease', 'message_count', 'dropped')
if not t[1] or not m[1] then return {'GONE'} end
if t[2] ~= replica then return {'TAKEN'} end
if t[1] == 'running' then
  return granted_reply(TURN, t[3], t[4], ARGV[6], ARGV[7])
elseif t[1] ~= 'queued' then
  return {'ENDED'}
end
if not is_whole(tonumber(m[4]), tonumber(m[5])) then return {'CORRUPT'} end

local head = redis.call('ZRANGE', QUEUE, 0, 0)[1]
if m[2] or head ~= member then
  even_if_full()
  turn_lives_until(now + ttl)
  redis.call('HSET', TURN, 'lease', int(now + lease))
  if not m[2] and head and head ~= member then wake_next(ARGV[8], ARGV[3]) end
  return {'WAITING', int(now), position_of(member) or 0, m[2] or '', m[3] or '0', hashes_of(TURN)}
end
local fence = grant(TURN, turn, replica, tonumber(t[4]) + 1, lease)
turn_lives_until(now + ttl)
return granted_reply(TURN, fence, int(tonumber(t[4]) + 1), ARGV[6], ARGV[7])
