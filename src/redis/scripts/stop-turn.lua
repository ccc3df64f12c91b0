-- stop-turn: asks the replica of a running turn to stop it. The wish is a fact in Redis; the message only hastens it.
-- include session
-- KEYS  1 meta  2 messages  3 queue  4 turns  5 lock  6 turn
-- ARGV  1 turn id  2 session  3 kind (cancel | interrupt | rollback)  4 channel prefix of replicas
--       5 only if no other replica told of a reader just now (1 | 0)
-- RETURNS  GONE | ENDED | READ | QUEUED | ASKED replica
local t = redis.call('HMGET', KEYS[6], 'status', 'replica', 'read_until')
if not t[1] then return {'GONE'} end
if t[1] ~= 'queued' and t[1] ~= 'running' then return {'ENDED'} end
if ARGV[5] == '1' and tonumber(t[3] or '0') > now then return {'READ'} end
if t[1] == 'queued' then return {'QUEUED'} end
ask_to_stop(ARGV[1], ARGV[3], t[2], ARGV[4], ARGV[2])
return {'ASKED', t[2]}
