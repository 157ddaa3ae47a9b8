-- Who owns a key: the first to claim it, for as long as it comes back in time. KEYS: the key. ARGV: the claimant, or
-- nothing to look only; milliseconds; 0 if what is nobody's stays so.
local owner = redis.call('GET', KEYS[1])
if ARGV[1] == '' or (not owner and ARGV[3] == '0') then return owner or '' end
if owner and owner ~= ARGV[1] then return owner end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]
