-- Asks the running turn to stop: a field that its end checks, and an announcement that hastens it. A weaker request
-- does not replace a stronger one: a rollback keeps nothing, whatever was asked before or after.
local STRENGTH = {cancel = 1, interrupt = 2, rollback = 3}
local function ask_to_stop(id, kind, owner, channels, session)
  local asked = redis.call('HMGET', META, 'stop', 'stop_turn')
  if asked[2] == id and (STRENGTH[asked[1]] or 0) > STRENGTH[kind] then return end
  redis.pcall('HSET', META, 'stop', kind, 'stop_turn', id)
  if owner then
    publish(channels .. owner, cjson.encode({kind = 'stop', session = session, turn = id, stop = kind}))
  end
end
