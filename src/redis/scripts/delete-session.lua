-- delete-session: deletes all keys of a session at once; its turns end everywhere with session_deleted.
-- INCLUDE  queue
-- KEYS     meta messages queue turns lock turn_keys*
-- ARGS     session channels watch_channels members*
-- REPLIES  DELETED | MISSING | STALE
-- `members` are those of `turns`, and `turn_keys` the records, logs and idempotency keys of the turns that they name.
-- STALE: `turns` has others by now; to be sent again.
local known, listed = {}, {}
for _, member in ipairs(members) do known[member] = true end
-- A key of another type is no reason to keep the session.
local stored = redis.pcall('ZRANGE', TURNS, 0, -1)
if not stored.err then
  for _, member in ipairs(stored) do
    if not known[member] then return STALE end
    listed[#listed + 1] = member
  end
end
if redis.call('EXISTS', META, MESSAGES, QUEUE) == 0 then return MISSING end

local function notify(owner, id)
  if owner then
    publish(channels .. owner, cjson.encode({kind = 'ended', session = session, turn = id, code = 'session_deleted'}))
  end
end
local running = redis.pcall('HMGET', META, 'running', 'running_replica')
if not running.err and running[1] then notify(running[2], running[1]) end
local waiting = redis.pcall('ZRANGE', QUEUE, 0, -1)
if not waiting.err then
  for _, member in ipairs(waiting) do
    local id, owner = parse_member(member)
    notify(owner, id)
  end
end
for _, member in ipairs(listed) do publish(watch_channels .. string.match(member, '^[^#]+'), 'gone') end
redis.call('UNLINK', META, MESSAGES, QUEUE, TURNS, LOCK)
for _, key in ipairs(TURN_KEYS) do redis.call('UNLINK', key) end
return DELETED
