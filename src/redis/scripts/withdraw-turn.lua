-- withdraw-turn: a turn that only waits ends, and nothing of it is kept. One that was granted ends as well, when the
-- replica that it was granted to says so.
-- include session
-- KEYS  1 meta  2 messages  3 queue  4 turns  5 lock  6 turn  7 log  8… idempotency keys
-- ARGV  1 turn id  2 session  3 outcome (cancelled | failed)  4 log TTL (ms)  5 event (JSON object; its
--       message_count is put in here)  6 fields of the record (JSON object)  7 channel prefix of replicas
--       8 channel of those who watch  9 replica that withdraws it  10 code told to its replica
--       11 if it: waits | any: or was granted to this replica | untold: the same, and nobody counts on it; its caller was
--       told that it is not in | unsettled: the same, but its caller was told that it may be
-- RETURNS  OK | GONE | ENDED | RUNNING replica | TOLD: somebody counts on it
--          | STALE hashes: others have joined it, whose keys are to be named as well
local TURN, LOG = KEYS[6], KEYS[7]
local turn = ARGV[1]
local t = redis.call('HMGET', TURN, 'status', 'replica', 'attempt', 'claimed')
local m = redis.call('HMGET', META, 'message_count', 'running')
if not t[1] then return {'GONE'} end
if t[1] ~= 'queued' and t[1] ~= 'running' then return {'ENDED'} end
local takes_back = ARGV[11] == 'untold' or ARGV[11] == 'unsettled'
if t[1] == 'running' and (ARGV[11] == 'waits' or t[2] ~= ARGV[9] or (takes_back and t[4])) then return {'RUNNING', t[2]} end

local hashes, named = hashes_of(TURN), named_keys()
for _, hash in ipairs(hashes) do
  if not named[hash] then return {'STALE', hashes} end
end

local fields = {'status', ARGV[3], 'ended_at', int(now), 'message_count', m[1] or '0', 'kept', '0'}
for name, field in pairs(cjson.decode(ARGV[6])) do
  fields[#fields + 1] = name
  fields[#fields + 1] = field
end
even_if_full()
if takes_back and keep_for_others(TURN, turn, ARGV[11] == 'unsettled') then
  if m[2] == turn then
    -- Its replica has not begun it, though the confirmation may have been carried out.
    redis.call('HDEL', TURN, 'confirmed')
    redis.call('DEL', LOCK)
  end
  return {'TOLD'}
end
redis.call('ZREM', QUEUE, turn .. '/' .. t[2])
redis.call('HSET', TURN, unpack(fields))
redis.pcall('XADD', LOG, int(tonumber(t[3]) + 1) .. '-1', 'e', '[' .. string.gsub(ARGV[5], '"messageCount":0', '"messageCount":' .. (m[1] or '0')) .. ']')
redis.pcall('PUBLISH', ARGV[8], 'ended')
if m[2] == turn then
  clear_running()
  redis.call('DEL', LOCK)
end
local session_end = redis.call('PEXPIRETIME', META)
local at = now + tonumber(ARGV[4])
if session_end > 0 then at = math.min(at, session_end) end
end_turn_keys(turn, at)
if session_end > 0 then redis.call('PEXPIREAT', TURNS, int(session_end)) end
redis.pcall('PUBLISH', ARGV[7] .. t[2], cjson.encode({kind = 'ended', session = ARGV[2], turn = turn, code = ARGV[10]}))
wake_next(ARGV[7], ARGV[2])
return {'OK'}
