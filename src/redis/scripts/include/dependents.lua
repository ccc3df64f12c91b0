-- Keeps a turn that its replica never confirmed, if callers depend on it: one that retried the message under its key
-- and was acknowledged, or those that joined. Those that joined keep it without the first message, unless that one may
-- have been accepted as well: otherwise its caller was refused, or got no reply.
local function keep_for_dependents(id, may_be_accepted)
  local t = redis.call('HMGET', TURN, 'idem', 'joined', 'confirmed')
  local own_key, is_acknowledged = nil, false
  for _, key in ipairs(IDEMPOTENCY) do
    if hash_in(key) == t[1] then
      local value, acknowledged = used_under(key)
      if value and string.match(value, '^%S+') == id then own_key, is_acknowledged = key, acknowledged == 1 end
    end
  end
  if is_acknowledged then return true end
  local has_joined = false
  for i = 1, joined_count(t[2]) do
    -- A message that was revoked is empty.
    has_joined = has_joined or redis.call('HSTRLEN', TURN, 'message:' .. i) > 0
  end
  if not has_joined then return false end
  if t[3] then return true end
  redis.call('HSET', TURN, 'confirmed', 1)
  if may_be_accepted then return true end
  redis.call('HSET', TURN, 'message', '')
  if t[1] then
    redis.call('HDEL', TURN, 'idem')
    redis.call('ZREM', TURNS, id .. '#' .. t[1])
  end
  if own_key then redis.call('DEL', own_key) end
  return true
end
