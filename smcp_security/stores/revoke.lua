-- Puts a name on the list of what was revoked, or takes it off. KEYS: the list, its version. ARGV: the name; its time in
-- microseconds, 'ever', or 'never' to take it off. Answers whether it was on the list.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
local known = redis.call('ZSCORE', KEYS[1], ARGV[1])
if ARGV[2] == 'never' then
  redis.call('ZREM', KEYS[1], ARGV[1])
else
  local ends = ARGV[2] == 'ever' and '+inf' or string.format('%.0f', now + tonumber(ARGV[2]))
  redis.call('ZADD', KEYS[1], ends, ARGV[1])
end
-- The clock is part of it: a list that was lost and begun anew never has a version of before.
redis.call('SET', KEYS[2], string.format('%.0f', math.max(now, tonumber(redis.call('GET', KEYS[2]) or '0') + 1)))
return known and 1 or 0
