local time = redis.call('TIME')
-- The clock of Redis, in milliseconds: those of its clients may differ. Else as in bucket.rs.
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local pace, room, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local kept = redis.call('HMGET', KEYS[1], 'missing', 'at')
local missing, at = tonumber(kept[1] or 0), tonumber(kept[2] or now)
missing = math.max(0, missing - math.max(0, now - at) * pace)
local lacking = missing + cost - math.max(room, cost)
local wait = 0
if lacking > 0 then
    wait = (lacking - lacking % pace) / pace
    if lacking % pace > 0 then wait = wait + 1 end
else
    missing = missing + cost
end
redis.call('HSET', KEYS[1], 'missing', string.format('%.0f', missing), 'at', string.format('%.0f', now))
-- Once it is full again there is nothing to remember.
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.ceil(missing / pace)))
return wait
