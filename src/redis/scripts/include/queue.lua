-- Announcements only hasten what polling would find as well. They are published with pcall, so that a Redis user who
-- may not use channels (the default since Redis 7) cannot stop a script half-way.
local function publish(channel, message) redis.pcall('PUBLISH', channel, message) end

-- A waiting turn is queued as TURN/REPLICA, so that waking it needs no other key.
local function queue_member(id, owner) return id .. '/' .. owner end
local function parse_member(member) return string.match(member, '^([^/]+)/(.+)$') end

local function wake_next(channels, session)
  local head = redis.call('ZRANGE', QUEUE, 0, 0)[1]
  if not head then return end
  local id, owner = parse_member(head)
  if owner then publish(channels .. owner, cjson.encode({kind = 'wake', session = session, turn = id})) end
end

local function clear_running()
  redis.call('HDEL', META, 'running', 'running_replica', 'running_lease', 'stop', 'stop_turn')
end

-- Turns ahead of a waiting one, the running one included; nil when it does not wait.
local function position_of(member)
  local rank = redis.call('ZRANK', QUEUE, member)
  if not rank then return nil end
  return rank + redis.call('HEXISTS', META, 'running')
end
