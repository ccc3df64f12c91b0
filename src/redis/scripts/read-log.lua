-- read-log: a page of a turn's log: whole batches after a place, until there is enough to keep a reader busy.
-- KEYS  1 log
-- ARGV  1 where to begin (-, or ( and the id of the last event read)  2 enough (bytes)  3 most entries
-- RETURNS  entries, oldest first: each its id and its fields
local page, bytes, from = {}, 0, ARGV[1]
while bytes < tonumber(ARGV[2]) and #page < tonumber(ARGV[3]) do
  local some = redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', 2)
  for _, entry in ipairs(some) do
    page[#page + 1] = entry
    for _, field in ipairs(entry[2]) do bytes = bytes + #field end
  end
  if #some < 2 then break end
  from = '(' .. some[2][1]
end
return page
