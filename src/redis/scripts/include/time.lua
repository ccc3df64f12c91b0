-- The clock of Redis: the only one that all replicas share.
local redis_time = redis.call('TIME')
local now_us = redis_time[1] .. string.format('%06d', redis_time[2])
local now_ms = tonumber(redis_time[1]) * 1000 + math.floor(tonumber(redis_time[2]) / 1000)

-- Lua would write whole numbers above 1e14 as 1.7e+15.
local function int(number) return string.format('%.0f', number) end

-- A whole number from a field that an operator may have edited; nil when it is not one.
local function whole(text)
  return text and #text <= 16 and string.match(text, '^%d+$') and tonumber(text) or nil
end
