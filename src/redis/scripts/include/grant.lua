-- The fence of the next grant. It rises, so that no earlier holder can write any more; and it is at least the time, so
-- that a fence that a lost primary issued is not issued again.
local function next_fence(last) return int(math.max((whole(last) or 0) + 1, tonumber(now_us))) end

-- Fields of META and of the turn once the turn runs on a replica; for HSET.
local function running_fields(fence, id, owner, lease_end)
  return 'fence', fence, 'running', id, 'running_replica', owner, 'running_lease', lease_end
end
local function granted_fields(fence, owner, attempt, lease_end)
  return 'status', 'running', 'fence', fence, 'replica', owner, 'attempt', int(attempt), 'lease', lease_end,
    'granted_at', int(now_ms)
end

-- Makes a waiting or claimed turn the running one. Returns its fence.
local function grant(last_fence, id, owner, attempt, lease_ms)
  local fence, lease_end = next_fence(last_fence), int(now_ms + lease_ms)
  redis.call('HSET', META, running_fields(fence, id, owner, lease_end))
  redis.call('HSET', TURN, granted_fields(fence, owner, attempt, lease_end))
  redis.call('HSETNX', TURN, 'started_at', int(now_ms))
  redis.call('ZREM', QUEUE, queue_member(id, owner))
  return fence
end
