-- Gives slots back. KEYS: slots. ARGV: the holder of each.
for index = 1, #KEYS do redis.call('ZREM', KEYS[index], ARGV[index]) end
return #KEYS
