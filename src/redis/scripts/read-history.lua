-- read-history: the newest messages of a history, those that the calling replica knows left out.
-- INCLUDE  time newest history
-- KEYS     meta messages
-- ARGS     known tail:number
-- REPLIES  PAGE epoch generation count dropped from messages continues | MISSING | CORRUPT
local m = redis.call('HMGET', META, unpack(HISTORY_FIELDS))
if not m[1] then return MISSING end
local s = history_state(m)
if not s then return CORRUPT end
local from, messages, continues = history_since(s, known, tail)
return PAGE{epoch = s.epoch, generation = s.generation, count = s.count, dropped = s.dropped, from = from,
  messages = messages, continues = continues}
