-- read-messages: a page of committed messages: the newest before one, oldest first.
-- INCLUDE  time newest
-- KEYS     meta messages
-- ARGS     before limit:number enough_bytes:number
-- REPLIES  PAGE messages has_more | MISSING | CORRUPT
-- `before` is `mFENCE-N`, the id of a message, or empty for the newest. Messages are ordered by fence and number, so a
-- place is found by binary search.
local m = redis.call('HMGET', META, 'epoch', 'message_count', 'dropped')
if not m[1] then return MISSING end
local count, dropped, length = whole(m[2]), whole(m[3]), redis.call('LLEN', MESSAGES)
if not count or not dropped then return CORRUPT end
local before_fence, before_number = string.match(before, '^m(%d+)%-(%d+)$')
local until_place = length
if before_fence then
  before_fence, before_number = tonumber(before_fence), tonumber(before_number)
  local low = 0
  while low < until_place do
    local middle = math.floor((low + until_place) / 2)
    local fence, number = string.match(redis.call('LINDEX', MESSAGES, middle), '^{"id":"m(%d+)%-(%d+)"')
    if not fence then return CORRUPT end
    fence, number = tonumber(fence), tonumber(number)
    if fence < before_fence or (fence == before_fence and number < before_number) then
      low = middle + 1
    else
      until_place = middle
    end
  end
end
local at, messages = newest_messages(math.max(0, until_place - limit), until_place, enough_bytes)
return PAGE{messages = messages, has_more = at > 0 and 1 or 0}
