-- All keys of a session expire together, to the millisecond: history that outlived its metadata once brought back half
-- a session. A key that does not exist only costs a command, so those known to be missing are left out.
local function expire_session(at_ms, has_queue)
  local at = int(at_ms)
  redis.call('PEXPIREAT', META, at)
  redis.call('PEXPIREAT', MESSAGES, at)
  redis.call('PEXPIREAT', TURNS, at)
  if has_queue ~= false then redis.call('PEXPIREAT', QUEUE, at) end
end

-- The same with the keys of one live turn.
local function expire_turn(at_ms, has_log)
  local at = int(at_ms)
  redis.call('PEXPIREAT', TURN, at)
  if has_log ~= false then redis.call('PEXPIREAT', LOG, at) end
  for _, key in ipairs(IDEMPOTENCY) do redis.call('PEXPIREAT', key, at) end
end
