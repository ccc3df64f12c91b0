-- join-turn: adds a message to the last turn that still waits; all its messages are answered together.
-- include session
-- KEYS  1 meta  2 messages  3 queue  4 turns  5 lock  6 turn  7 log  8 idempotency key of the joiner
-- ARGV  1 turn id  2 join not after (ms, Redis' time; 0: always)  3 session TTL (ms)  4 most bytes of all messages
--       5 message  6 idempotency value ('': none)  7 idempotency value it may replace ('': none)  8 id of the joiner
-- RETURNS  LATE now | EXISTS value told (1 | 0) | STALE | TOO_LARGE | OK now
local TURN, IDEM = KEYS[6], KEYS[8]
if redis.call('HEXISTS', TURN, 'joiner:' .. ARGV[8]) == 1 then return {'OK', int(now)} end
if tonumber(ARGV[2]) > 0 and now > tonumber(ARGV[2]) then return {'LATE', int(now)} end
if ARGV[6] ~= '' then
  local known, told = known_under(IDEM)
  if known and known ~= ARGV[7] then return {'EXISTS', known, told} end
end
local t = redis.call('HMGET', TURN, 'status', 'replica', 'message', 'joined')
local last = redis.call('ZRANGE', QUEUE, -1, -1)[1]
if t[1] ~= 'queued' or last ~= ARGV[1] .. '/' .. t[2] then return {'STALE'} end
local joined, bytes = joined_in(TURN, t[4]), #t[3] + #ARGV[5]
-- All their keys go along with every look, beat and end of the turn; who comes later waits behind it.
if joined >= 100 then return {'STALE'} end
for i = 1, joined do bytes = bytes + redis.call('HSTRLEN', TURN, 'message:' .. i) end
if bytes > tonumber(ARGV[4]) then return {'TOO_LARGE'} end
-- Of another type it fails here, before anything is written.
redis.call('ZCARD', TURNS)

redis.call('HSET', TURN, 'joined', joined + 1, 'message:' .. (joined + 1), ARGV[5], 'joiner:' .. ARGV[8], joined + 1)
if ARGV[6] ~= '' then
  redis.call('SET', IDEM, ARGV[6] .. UNTOLD)
  redis.call('HSET', TURN, 'idem:' .. (joined + 1), hash_in(IDEM))
  redis.call('ZADD', TURNS, '+inf', ARGV[1] .. '#' .. hash_in(IDEM))
end
redis.call('HSET', META, 'last_accessed', int(now))
turn_lives_until(now + tonumber(ARGV[3]))
return {'OK', int(now)}
