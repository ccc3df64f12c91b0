-- Adds to a GRANTED reply what a replica needs that did not just admit the turn: its messages, and how it is to be run.
local PROFILE = {'agent', 'model', 'door', 'on_disconnect', 'options', 'echo'}
local function with_work(f)
  local t = redis.call('HMGET', TURN, 'message', 'joined', 'ran', unpack(PROFILE))
  f.inputs, f.ran_ms = {}, t[3] or '0'
  for i = 0, joined_count(t[2]) do
    local input = t[1]
    if i > 0 then input = redis.call('HGET', TURN, 'message:' .. i) end
    -- Empty: revoked.
    if input and input ~= '' then f.inputs[#f.inputs + 1] = input end
  end
  for i, name in ipairs(PROFILE) do f[name] = t[3 + i] or '' end
  return f
end
