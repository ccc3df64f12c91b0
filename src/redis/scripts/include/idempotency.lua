-- An idempotency key holds `TURN REQUEST-HASH`, followed by this word until the message is acknowledged to a caller.
local UNACKNOWLEDGED = ' unacknowledged'

-- What a key was used for, and whether that was acknowledged (1 | 0); nil when the key is unused.
local function used_under(key)
  local value = redis.call('GET', key)
  local plain = value and string.match(value, '^(.*)' .. UNACKNOWLEDGED .. '$')
  return plain or value, plain and 0 or 1
end

-- The last part of a key's name, by which the record of a turn lists its keys.
local function hash_in(key) return string.match(key, '[^:]+$') or '' end
