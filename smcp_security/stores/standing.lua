-- The list of what was revoked, if it is another than the one known. KEYS: the list, its version. ARGV: the version known.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local version = redis.call('GET', KEYS[2]) or '0'
if redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now)) > 0 then
  version = string.format('%.0f', math.max(now, tonumber(version) + 1))
  redis.call('SET', KEYS[2], version)
end
if version == ARGV[1] then return { version } end
return { version, redis.call('ZRANGE', KEYS[1], 0, -1) }
