-- Takes from several counters at once, all or none, by the server's clock in whole microseconds.
-- KEYS: rates, budgets, slots. ARGV: how many of each; then per rate cost and room, per budget cost, limit and time to
-- its end, per slot limit, holder and time to live. Answers nothing, or the place that has to wait longest, and how long.
local rates, budgets, slots = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local at, place, worst = 4, nil, -1
local idle_at, used, taken, ends = {}, {}, {}, {}

-- Lua writes large numbers in a short form that loses digits.
local function whole(number) return string.format('%.0f', number) end
local function milliseconds(span) return whole(math.ceil(span / 1000) + 1) end

-- The end of a window is told by a worker's clock: the counter outlives it by more than clocks differ.
local SPARE = 3600 * 1000000

local function refuse(index, wait)
  if wait > worst then place, worst = index - 1, wait end
end

for index = 1, rates do
  local key, cost, room = KEYS[index], tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  at = at + 2
  local idle = idle_at[key]
  if not idle then
    -- Further ahead than the room it has only where the clock was set back: nobody is locked out for that.
    idle = math.min(tonumber(redis.call('GET', key) or '0'), now + room)
  end
  idle = math.max(idle, now) + cost
  idle_at[key] = idle
  if idle - now > room then refuse(index, idle - now - room) end
end

for index = rates + 1, rates + budgets do
  local key, cost, limit, left = KEYS[index], tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  at = at + 3
  used[key] = (used[key] or tonumber(redis.call('GET', key) or '0')) + cost
  ends[key] = left
  if used[key] > limit then refuse(index, left) end
end

for index = rates + budgets + 1, rates + budgets + slots do
  local key, limit, holder, life = KEYS[index], tonumber(ARGV[at]), ARGV[at + 1], tonumber(ARGV[at + 2])
  at = at + 3
  redis.call('ZREMRANGEBYSCORE', key, '-inf', whole(now))
  local fresh = taken[key] or { count = redis.call('ZCARD', key), holders = {} }
  taken[key] = fresh
  if not fresh.holders[holder] then
    if not redis.call('ZSCORE', key, holder) then
      if fresh.count >= limit then refuse(index, 0) end
      fresh.count = fresh.count + 1
    end
    fresh.holders[holder] = life
  end
end

if place then return { place, whole(worst) } end

for key, idle in pairs(idle_at) do
  redis.call('SET', key, whole(idle), 'PX', milliseconds(idle - now))
end
for key, units in pairs(used) do
  redis.call('SET', key, whole(units), 'PX', milliseconds(ends[key] + SPARE))
end
for key, fresh in pairs(taken) do
  for holder, life in pairs(fresh.holders) do
    redis.call('ZADD', key, whole(now + life), holder)
    if redis.call('PTTL', key) < life / 1000 then redis.call('PEXPIRE', key, milliseconds(life)) end
  end
end
return false
