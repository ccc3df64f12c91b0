-- The newest messages are sent, up to this many bytes: more than a prompt needs. Older ones are read when needed.
local TAIL_BYTES = 1000000

-- The part of the history that the calling replica lacks. `known` is what it has: EPOCH/GENERATION/COUNT/LAST-ID. All
-- four must agree: after a failover that lost the newest commits, the count can grow past the known one again with
-- other messages; and the generation changes whenever the history changes in any way but by an append.
-- s: epoch, generation, count, dropped, last (id of the last message)
-- Returns the place of the first message sent, the messages, and whether they continue the known ones (1 | 0).
local function history_since(s, known, tail)
  local epoch, generation, known_count, known_last = string.match(known, '^(%d+)/(%d+)/(%d+)/(.+)$')
  if epoch == s.epoch and generation == s.generation then
    known_count = tonumber(known_count)
    if known_count == s.count and known_last == s.last then return known_count, {}, 1 end
    if known_count > s.dropped and known_count < s.count then
      local last = redis.call('LINDEX', MESSAGES, known_count - 1 - s.dropped)
      local prefix = '{"id":"' .. known_last .. '"'
      if last and string.sub(last, 1, #prefix) == prefix then
        return known_count, redis.call('LRANGE', MESSAGES, known_count - s.dropped, -1), 1
      end
    end
  end
  local first, messages = newest_messages(math.max(0, s.count - tail - s.dropped), s.count - s.dropped, TAIL_BYTES)
  return first + s.dropped, messages, 0
end

-- What the metadata says of the history, from its fields in this order; nil when it was edited, or when the list does
-- not have as many messages as it says.
local HISTORY_FIELDS = {'epoch', 'generation', 'message_count', 'dropped', 'last_message'}
local function history_state(m)
  local count, dropped = whole(m[3]), whole(m[4])
  if not whole(m[1]) or not count or not dropped then return nil end
  if redis.call('LLEN', MESSAGES) + dropped ~= count then return nil end
  return {epoch = m[1], generation = m[2] or '0', count = count, dropped = dropped, last = m[5] or ''}
end
