-- watch-turn: somebody on another replica reads along; from now on every new batch is announced.
-- KEYS  1 turn
-- RETURNS  WATCHED | GONE
if redis.call('EXISTS', KEYS[1]) == 0 then return 'GONE' end
redis.pcall('HSET', KEYS[1], 'watched', 1)
return 'WATCHED'
