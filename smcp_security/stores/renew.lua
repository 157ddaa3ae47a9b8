-- Holds slots for longer; one that lapsed while the store was away is there again. KEYS: slots. ARGV: per slot holder
-- and time to live in microseconds.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
for index = 1, #KEYS do
  local life = tonumber(ARGV[index * 2])
  redis.call('ZADD', KEYS[index], string.format('%.0f', now + life), ARGV[index * 2 - 1])
  if redis.call('PTTL', KEYS[index]) < life / 1000 then
    redis.call('PEXPIRE', KEYS[index], string.format('%.0f', math.ceil(life / 1000) + 1))
  end
end
return #KEYS
