-- How many messages joined a turn. Each is a field: a greater number was edited in, and would block Redis for hours.
local function joined_count(text)
  local count = whole(text) or 0
  return count > 0 and math.min(count, redis.call('HLEN', TURN)) or 0
end

-- Hashes of a turn's idempotency keys: its first caller's, and those of the callers that joined.
local function hashes_of(own, joined)
  local hashes = {own or nil}
  if joined then
    for i = 1, joined_count(joined) do hashes[#hashes + 1] = redis.call('HGET', TURN, 'idem:' .. i) or nil end
  end
  return hashes
end

-- A script may only touch keys that are passed to it. Returns a turn's hashes if one of its keys was not; else nil.
local function unnamed(own, joined)
  if not own and not joined then return nil end
  local hashes, named = hashes_of(own, joined), {}
  for _, key in ipairs(IDEMPOTENCY) do named[hash_in(key)] = true end
  for _, hash in ipairs(hashes) do
    if not named[hash] then return hashes end
  end
  return nil
end

-- The keys of an ended turn live as long as its log, and never longer than the session. A key that was passed but is no
-- longer the turn's may be another turn's by now.
local function expire_ended(id, at_ms, own, joined)
  local at, means = int(at_ms), {}
  redis.call('ZADD', TURNS, at, id)
  for _, hash in ipairs(hashes_of(own, joined)) do
    means[hash] = true
    redis.call('ZADD', TURNS, at, id .. '#' .. hash)
  end
  for _, key in ipairs(IDEMPOTENCY) do
    if means[hash_in(key)] then redis.call('PEXPIREAT', key, at) end
  end
  redis.call('PEXPIREAT', TURN, at)
  redis.call('PEXPIREAT', LOG, at)
end
