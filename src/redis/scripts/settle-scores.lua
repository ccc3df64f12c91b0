-- settle-scores: changes entries of a sorted set, each only if it still has the score that was seen, so that what a
-- replica wrote meanwhile is never undone.
-- KEYS     scores
-- ARGS     entries*
-- REPLIES  SETTLED changed
-- `entries`: member, score seen (empty: none), new score (empty: remove), for each. `changed`: 1 or 0 for each.
local changed = {}
for i = 1, #entries, 3 do
  local stored = redis.call('ZSCORE', SCORES, entries[i]) or ''
  local is_as_seen = tonumber(stored) == tonumber(entries[i + 1])
  if is_as_seen and entries[i + 2] == '' then
    redis.call('ZREM', SCORES, entries[i])
  elseif is_as_seen then
    redis.call('ZADD', SCORES, entries[i + 2], entries[i])
  end
  changed[#changed + 1] = is_as_seen and 1 or 0
end
return SETTLED{changed = changed}
