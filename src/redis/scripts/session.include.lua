-- session: what every script of a session needs; put in front of those that say `include session`.
-- KEYS 1-5 of such a script are always: 1 meta  2 messages  3 queue  4 turns  5 lock. Those of one turn, if it has any,
-- follow: 6 turn  7 log  8… idempotency keys that mean it.
local META, MESSAGES, QUEUE, TURNS, LOCK = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]

local time = redis.call('TIME')
local now_us = time[1] .. string.format('%06d', time[2])
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

-- Whole numbers above 1e14 would be written as 1.7e+15 without this.
local function int(n) return string.format('%.0f', n) end

-- A full Redis refuses a script at its first write that may need room, and lets one finish that has written before. What
-- must go through all the same (a beat, a look, an end that keeps nothing) begins with this; what keeps something is all or
-- nothing.
local function even_if_full() redis.call('HDEL', META, '-') end

-- All keys of a session get the same end, to the millisecond: history outliving its metadata was how a
-- session came back half.
local function session_lives_until(at)
  for i = 1, 4 do redis.call('PEXPIREAT', KEYS[i], int(at)) end
end

-- The same with the keys of one turn, while it lives.
local function turn_lives_until(at)
  session_lives_until(at)
  for i = 6, #KEYS do redis.call('PEXPIREAT', KEYS[i], int(at)) end
end

-- Messages only hasten what a look finds as well: PUBLISH is sent with pcall everywhere, so that a user without the right to
-- a channel (none by default since Redis 7) cannot stop a script half-way.

-- A waiting turn stands in the queue as TURN/REPLICA, so that waking it needs no other key.
local function wake_next(channel_prefix, session)
  local head = redis.call('ZRANGE', QUEUE, 0, 0)[1]
  if not head then return end
  local turn, replica = string.match(head, '^([^/]+)/(.+)$')
  redis.pcall('PUBLISH', channel_prefix .. replica, cjson.encode({kind = 'wake', session = session, turn = turn}))
end

local function clear_running()
  redis.call('HDEL', META, 'running', 'running_replica', 'running_lease', 'stop', 'stop_turn')
end

-- Asks for a stop of the running turn: a fact that its end checks, and a message that hastens it. A weaker wish does
-- not replace a stronger one: who rolls back wants nothing left, whoever cancels before or after.
local STRENGTH = {cancel = 1, interrupt = 2, rollback = 3}
local function ask_to_stop(turn, kind, replica, channel_prefix, session)
  local m = redis.call('HMGET', META, 'stop', 'stop_turn')
  if m[2] == turn and (STRENGTH[m[1]] or 0) > STRENGTH[kind] then return end
  redis.pcall('HSET', META, 'stop', kind, 'stop_turn', turn)
  redis.pcall('PUBLISH', channel_prefix .. replica, cjson.encode({kind = 'stop', session = session, turn = turn, stop = kind}))
end

-- Turns ahead of this one, the running one included; nil when it does not wait.
local function position_of(member)
  local rank = redis.call('ZRANK', QUEUE, member)
  if not rank then return nil end
  if redis.call('HEXISTS', META, 'running') == 1 then rank = rank + 1 end
  return rank
end

-- The list must be as long as the metadata says, else one key of the pair was lost or edited.
local function is_whole(count, dropped)
  return redis.call('LLEN', MESSAGES) + dropped == count
end

-- History that the asking replica has not. It says what it knows as EPOCH/COUNT/FENCE: the session's epoch, how many
-- messages it knows, and the fence that the last of them was committed with. All three must fit: after a failover
-- that lost the newest commits the count can grow past the known one again, with other messages.
-- Returns epoch, message_count, dropped, place of the first message, messages, whether they continue the known ones.
local TAIL_BYTES = 1000000
local function history_for(known, tail)
  local m = redis.call('HMGET', META, 'epoch', 'message_count', 'dropped')
  local count, dropped = tonumber(m[2]), tonumber(m[3])
  local epoch, known_count, known_fence = string.match(known, '^(%d+)/(%d+)/(%d+)$')
  local from, continues = math.max(dropped, count - tail), 0
  if epoch == m[1] then
    known_count = tonumber(known_count)
    if known_count > dropped and known_count <= count then
      local last = redis.call('LINDEX', MESSAGES, known_count - 1 - dropped)
      if last and string.match(last, '"fence":"(%d+)"') == known_fence then from, continues = known_count, 1 end
    end
  end
  local messages = {}
  if continues == 1 then
    if from < count then messages = redis.call('LRANGE', MESSAGES, from - dropped, -1) end
  else
    -- Newest first and a few at once, until there is more than a prompt needs: what is missing is asked for then.
    local slices, bytes, at = {}, 0, count
    while at > from and bytes < TAIL_BYTES do
      local first = math.max(from, at - 4)
      local slice = redis.call('LRANGE', MESSAGES, first - dropped, at - 1 - dropped)
      for _, message in ipairs(slice) do bytes = bytes + #message end
      slices[#slices + 1] = slice
      at = first
    end
    from = at
    for i = #slices, 1, -1 do
      for _, message in ipairs(slices[i]) do messages[#messages + 1] = message end
    end
  end
  return {m[1], int(count), int(dropped), int(from), messages, continues}
end

-- What an idempotency key was used for, and whether who asked again was told that it is in (1 | 0): see confirm-repeat.
local UNTOLD = ' untold'
local function known_under(idem_key)
  local known = redis.call('GET', idem_key)
  local untold = known and string.match(known, '^(.*)' .. UNTOLD .. '$')
  return untold or known, untold and 0 or 1
end

-- Makes a turn the running one. The fence rises, so that whoever ran before can write nothing more; at least to the
-- time, so that a number which a lost primary gave out is not given again.
local function grant(turn_key, turn, replica, attempt, lease_ms)
  local fence = math.max(tonumber(redis.call('HGET', META, 'fence')) + 1, tonumber(now_us))
  redis.call('HSET', META, 'fence', int(fence), 'running', turn, 'running_replica', replica, 'running_lease', int(now + lease_ms))
  redis.call('HSET', turn_key, 'status', 'running', 'attempt', attempt, 'fence', int(fence), 'replica', replica,
    'lease', int(now + lease_ms), 'granted_at', int(now))
  redis.call('HSETNX', turn_key, 'started_at', int(now))
  redis.call('ZREM', QUEUE, turn .. '/' .. replica)
  return int(fence)
end

-- How many messages joined a turn. Each is a field: a greater number, edited in, would keep Redis busy for hours.
local function joined_in(turn_key, text)
  return math.min(tonumber(text or '0') or 0, redis.call('HLEN', turn_key))
end

-- Whether a message that joined a turn was not taken out again: then it is empty.
local function has_joiner(turn_key, text)
  for i = 1, joined_in(turn_key, text) do
    if redis.call('HSTRLEN', turn_key, 'message:' .. i) > 0 then return true end
  end
  return false
end

-- The end of an idempotency key's name, by which the record of its turn knows it.
local function hash_in(idem_key) return string.match(idem_key, '[^:]+$') or '' end

-- Keeps a turn that its replica did not confirm for those who count on it, if there are any: who asked again for its
-- message under the same key, or who joined it. Those who joined have it alone, unless its first caller may be in as well:
-- who was told that the message is not in, or nothing, has it taken out.
local function keep_for_others(turn_key, turn, may_be_in)
  local t = redis.call('HMGET', turn_key, 'idem', 'joined', 'confirmed')
  local place, is_told = nil, false
  for i = 8, #KEYS do
    if hash_in(KEYS[i]) == t[1] then
      local known, told = known_under(KEYS[i])
      if known and string.match(known, '^%S+') == turn then place, is_told = i, told == 1 end
    end
  end
  if is_told then return true end
  if not has_joiner(turn_key, t[2]) then return false end
  if t[3] then return true end
  redis.call('HSET', turn_key, 'confirmed', 1)
  if may_be_in then return true end
  redis.call('HSET', turn_key, 'message', '')
  if t[1] then
    redis.call('HDEL', turn_key, 'idem')
    redis.call('ZREM', TURNS, turn .. '#' .. t[1])
  end
  if place then redis.call('DEL', KEYS[place]) end
  return true
end

-- Of the idempotency keys that mean a turn: its first caller's, and those of who joined.
local function hashes_of(turn_key)
  local t = redis.call('HMGET', turn_key, 'idem', 'joined')
  local hashes = {t[1] or nil}
  for i = 1, joined_in(turn_key, t[2]) do hashes[#hashes + 1] = redis.call('HGET', turn_key, 'idem:' .. i) or nil end
  return hashes
end

-- Which idempotency keys a script was given, by hash.
local function named_keys()
  local named = {}
  for i = 8, #KEYS do named[hash_in(KEYS[i])] = KEYS[i] end
  return named
end

-- The keys of an ended turn live the shorter of the log's time and the session's. A key that was given and means it no more
-- may be another turn's by now.
local function end_turn_keys(turn, at)
  local means = {}
  redis.call('ZADD', TURNS, int(at), turn)
  for _, hash in ipairs(hashes_of(KEYS[6])) do
    means[hash] = true
    redis.call('ZADD', TURNS, int(at), turn .. '#' .. hash)
  end
  for hash, key in pairs(named_keys()) do
    if means[hash] then redis.call('PEXPIREAT', key, int(at)) end
  end
  for i = 6, 7 do redis.call('PEXPIREAT', KEYS[i], int(at)) end
end

-- Answer to a replica that did not take the turn in itself, or long ago: with what the user said.
local function granted_reply(turn_key, fence, attempt, known, tail)
  local reply = {'GRANTED', int(now), fence, attempt}
  for _, part in ipairs(history_for(known, tonumber(tail))) do reply[#reply + 1] = part end
  local said = redis.call('HMGET', turn_key, 'message', 'joined', 'ran')
  local messages = {}
  for i = 0, joined_in(turn_key, said[2]) do
    local message = said[1]
    if i > 0 then message = redis.call('HGET', turn_key, 'message:' .. i) end
    -- Empty: taken out again.
    if message and message ~= '' then messages[#messages + 1] = message end
  end
  reply[#reply + 1] = messages
  reply[#reply + 1] = hashes_of(turn_key)
  reply[#reply + 1] = said[3] or '0'
  return reply
end

-- A log that cannot be written never loses a turn: only the replay.
local function log_entry(log_key, watch_channel, watched, id, events)
  redis.pcall('XADD', log_key, id, 'e', events)
  if watched then redis.pcall('PUBLISH', watch_channel, id) end
end
