-- open-turn: grants a waiting turn if it may run now; its lease is renewed either way.
-- INCLUDE  time ttl full queue newest history grant idempotency joined granted
-- KEYS     meta messages queue turns lock turn log idempotency*
-- ARGS     turn_id replica session session_ttl_ms:number lease_ms:number known tail:number channels
-- REPLIES  WAITING now_ms position running_turn running_lease_ms
--          | GRANTED now_ms fence attempt epoch generation count dropped from messages continues inputs ran_ms agent model door
--          on_disconnect options echo
--          | UNNAMED hashes | GONE | ENDED | TAKEN | CORRUPT
local t = redis.call('HMGET', TURN, 'status', 'replica', 'fence', 'attempt', 'idem', 'joined')
if not t[1] then return GONE end
local m = redis.call('HMGET', META, 'epoch', 'generation', 'message_count', 'dropped', 'last_message', 'running',
  'running_lease', 'fence')
if not m[1] then return GONE end
if t[2] ~= replica then return TAKEN end
if t[1] ~= 'running' and t[1] ~= 'queued' then return ENDED end
local hashes = unnamed(t[5], t[6])
if hashes then return UNNAMED{hashes = hashes} end
local s, attempt = history_state(m), whole(t[4])
if not s or not attempt then return CORRUPT end

local function granted(fence, number)
  local from, messages, continues = history_since(s, known, tail)
  return GRANTED(with_work{now_ms = int(now_ms), fence = fence, attempt = int(number), epoch = s.epoch,
    generation = s.generation, count = s.count, dropped = s.dropped, from = from, messages = messages,
    continues = continues})
end
-- Granted by an earlier poll whose reply was lost.
if t[1] == 'running' then return granted(t[3], attempt) end

local member = queue_member(turn_id, replica)
local head = redis.call('ZRANGE', QUEUE, 0, 0)[1]
if m[6] or head ~= member then
  even_if_full()
  expire_session(now_ms + session_ttl_ms)
  expire_turn(now_ms + session_ttl_ms)
  redis.call('HSET', TURN, 'lease', int(now_ms + lease_ms))
  if not m[6] and head and head ~= member then wake_next(channels, session) end
  return WAITING{now_ms = int(now_ms), position = position_of(member) or 0, running_turn = m[6] or '',
    running_lease_ms = whole(m[7]) or 0}
end
local fence = grant(m[8], turn_id, replica, attempt + 1, lease_ms)
expire_session(now_ms + session_ttl_ms)
expire_turn(now_ms + session_ttl_ms)
return granted(fence, attempt + 1)
