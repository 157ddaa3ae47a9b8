-- Takes from budgets what was used already. KEYS: budgets. ARGV: per budget cost and time to its end.
local SPARE = 3600 * 1000000 -- as in spend.lua

for index = 1, #KEYS do
  redis.call('INCRBY', KEYS[index], ARGV[index * 2 - 1])
  redis.call('PEXPIRE', KEYS[index], string.format('%.0f', math.ceil((ARGV[index * 2] + SPARE) / 1000) + 1))
end
return #KEYS
