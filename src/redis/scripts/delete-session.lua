-- delete-session: all keys of a session go at once; its turns end everywhere with session_deleted.
-- include session
-- KEYS  1 meta  2 messages  3 queue  4 turns  5 lock  6… records, logs and idempotency keys of its turns
-- ARGV  1 session  2 channel prefix of replicas  3 prefix of the channels of those who watch  4… members of `turns`
-- RETURNS  MISSING | STALE: `turns` has others by now, ask again | DELETED
local known, listed = {}, {}
for i = 4, #ARGV do known[ARGV[i]] = true end
local members = redis.pcall('ZRANGE', TURNS, 0, -1)
if not members.err then
  for _, member in ipairs(members) do
    if not known[member] then return {'STALE'} end
    listed[#listed + 1] = member
  end
end
local there = redis.call('EXISTS', META, MESSAGES, QUEUE)
if there == 0 then return {'MISSING'} end

local function tell(replica, turn)
  if replica then
    redis.pcall('PUBLISH', ARGV[2] .. replica, cjson.encode({kind = 'ended', session = ARGV[1], turn = turn, code = 'session_deleted'}))
  end
end
local running = redis.pcall('HMGET', META, 'running', 'running_replica')
if not running.err and running[1] then tell(running[2], running[1]) end
local waiting = redis.pcall('ZRANGE', QUEUE, 0, -1)
if not waiting.err then
  for _, member in ipairs(waiting) do
    local turn, replica = string.match(member, '^([^/]+)/(.+)$')
    tell(replica, turn)
  end
end
for _, member in ipairs(listed) do
  redis.pcall('PUBLISH', ARGV[3] .. string.match(member, '^[^#]+'), 'gone')
end
for i = 1, #KEYS do redis.call('UNLINK', KEYS[i]) end
return {'DELETED'}
