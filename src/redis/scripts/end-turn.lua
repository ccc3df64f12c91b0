-- end-turn: a running turn ends: commits its messages, or keeps none; frees the lock and wakes the next one.
-- include session
-- KEYS  1 meta  2 messages  3 queue  4 turns  5 lock  6 turn  7 log  8… idempotency keys
-- ARGV  1 turn id  2 session  3 fence  4 lock value ('': none held)  5 session TTL (ms)  6 log TTL (ms)
--       7 outcome (completed | cancelled | failed)  8 stop that it heeds ('': none; a kind; any)
--       9 most messages of a session
--       10 messages before this turn  11 id of the last event  12 events not yet logged (JSON array)
--       13 channel prefix of replicas  14 channel of those who watch  15 fields of the record (JSON object)
--       16… messages (JSON objects without id)
-- RETURNS  OK now count | GONE | FENCED | LOCKED: by another value than this one | STOPPED kind | CORRUPT
local TURN, LOG = KEYS[6], KEYS[7]
local turn, fence, value, outcome = ARGV[1], ARGV[3], ARGV[4], ARGV[7]
local ttl, log_ttl = tonumber(ARGV[5]), math.min(tonumber(ARGV[6]), tonumber(ARGV[5]))

local m = redis.call('HMGET', META, 'fence', 'running', 'message_count', 'dropped', 'stop', 'stop_turn')
local t = redis.call('HMGET', TURN, 'status', 'fence', 'watched', 'message_count')
if not m[1] or not t[1] then return {'GONE'} end
if t[2] == fence and t[1] == outcome then return {'OK', int(now), t[4]} end
if t[1] ~= 'running' or t[2] ~= fence or m[1] ~= fence or m[2] ~= turn then return {'FENCED'} end
local holder = redis.call('GET', LOCK)
if holder and holder ~= value then return {'LOCKED'} end
if m[6] == turn and ARGV[8] ~= 'any' and ARGV[8] ~= m[5] then return {'STOPPED', m[5]} end
local count, dropped, added = tonumber(m[3]), tonumber(m[4]), #ARGV - 15
if added > 0 and (not is_whole(count, dropped) or count ~= tonumber(ARGV[10])) then return {'CORRUPT'} end

-- A turn that ends must not keep its session busy for ever; with something to keep it is refused as a whole.
if added == 0 then even_if_full() end
for i = 16, #ARGV do
  redis.call('RPUSH', MESSAGES, '{"id":"m' .. int(count + i - 16) .. '",' .. string.sub(ARGV[i], 2))
end
if added > 0 then
  redis.call('HSET', META, 'message_count', int(count + added))
end
local fields = {'status', outcome, 'ended_at', int(now), 'message_count', int(count + added),
  'first_message', int(count), 'messages', added}
for name, field in pairs(cjson.decode(ARGV[15])) do
  fields[#fields + 1] = name
  fields[#fields + 1] = field
end
redis.call('HSET', TURN, unpack(fields))
redis.call('HSET', META, 'last_accessed', int(now))
log_entry(LOG, ARGV[14], t[3], ARGV[11], ARGV[12])

-- Oldest whole turns past the limit go; a turn's messages are adjacent, so its end is where the id changes.
local excess = added > 0 and redis.call('LLEN', MESSAGES) - tonumber(ARGV[9]) or 0
local cut = 0
while cut < excess and cut < 2000 do
  local id = string.match(redis.call('LINDEX', MESSAGES, cut) or '', '"turn_id":"([^"]+)"')
  if id == turn then break end
  repeat
    cut = cut + 1
    local following = redis.call('LINDEX', MESSAGES, cut)
  until not following or string.match(following, '"turn_id":"([^"]+)"') ~= id
end
if cut > 0 then
  redis.call('LTRIM', MESSAGES, cut, -1)
  redis.call('HINCRBY', META, 'dropped', cut)
end

clear_running()
if holder == value then redis.call('DEL', LOCK) end
session_lives_until(now + ttl)
end_turn_keys(turn, now + log_ttl)
wake_next(ARGV[13], ARGV[2])
return {'OK', int(now), int(count + added)}
