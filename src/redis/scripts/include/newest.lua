-- The newest messages of a part of the list, its end left out: back to its first one, or until these are enough bytes.
-- Read a few at a time, because each may hold images. Returns the index of the first one read, and the messages.
local function newest_messages(first, past, enough_bytes)
  local at, bytes, slices, messages = past, 0, {}, {}
  while at > first and bytes < enough_bytes do
    local from = math.max(first, at - 4)
    local slice = redis.call('LRANGE', MESSAGES, from, at - 1)
    for _, message in ipairs(slice) do bytes = bytes + #message end
    slices[#slices + 1] = slice
    at = from
  end
  for i = #slices, 1, -1 do
    for _, message in ipairs(slices[i]) do messages[#messages + 1] = message end
  end
  return at, messages
end
