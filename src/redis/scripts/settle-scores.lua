-- settle-scores: changes entries of a sorted set, each only if it still stands as it was seen, so that what a
-- replica wrote meanwhile is never undone.
-- KEYS  1 sorted set
-- ARGV  three for each entry: member, score seen ('': none), new score ('': remove)
-- RETURNS  one 1 (changed) or 0 for each entry
local changed = {}
for i = 1, #ARGV, 3 do
  local stands = redis.call('ZSCORE', KEYS[1], ARGV[i]) or ''
  local is_as_seen = tonumber(stands) == tonumber(ARGV[i + 1])
  if is_as_seen and ARGV[i + 2] == '' then
    redis.call('ZREM', KEYS[1], ARGV[i])
  elseif is_as_seen then
    redis.call('ZADD', KEYS[1], ARGV[i + 2], ARGV[i])
  end
  changed[#changed + 1] = is_as_seen and 1 or 0
end
return changed
