-- read-log: a page of a turn's log: whole batches after a place, until there is enough to keep a reader busy.
-- KEYS     log
-- ARGS     from enough_bytes:number most_entries:number
-- REPLIES  PAGE entries
-- `from` is `-`, or `(` and the id of the last event read. Each entry is its id and its fields, oldest first.
local entries, bytes = {}, 0
while bytes < enough_bytes and #entries < most_entries do
  local some = redis.call('XRANGE', LOG, from, '+', 'COUNT', 2)
  for _, entry in ipairs(some) do
    entries[#entries + 1] = entry
    for _, field in ipairs(entry[2]) do bytes = bytes + #field end
  end
  if #some < 2 then break end
  from = '(' .. some[2][1]
end
return PAGE{entries = entries}
