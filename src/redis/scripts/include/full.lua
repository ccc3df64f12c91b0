-- A full Redis refuses a script at its first write that may need memory, and lets a script that has already written
-- finish. Scripts that must succeed on a full Redis (a beat, a poll, an end that keeps nothing) begin with this
-- harmless write; scripts that store something do not, so they are refused as a whole.
local function even_if_full() redis.call('HDEL', META, '-') end
