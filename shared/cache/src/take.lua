local time = redis.call('TIME')
-- The clock of Redis, in milliseconds: those of its clients may differ. Else as in bucket.rs.
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
-- The patience in milliseconds; then pace, room and cost of each bucket.
local patience, wait, missing = tonumber(ARGV[1]), 0, {}
for i, bucket in ipairs(KEYS) do
    local pace, room, cost = tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1])
    local kept = redis.call('HMGET', bucket, 'missing', 'at')
    local at = tonumber(kept[2] or now)
    missing[i] = math.max(0, tonumber(kept[1] or 0) - math.max(0, now - at) * pace)
    local lacking = missing[i] + cost - math.max(room, cost)
    if lacking > 0 then
        local millis = (lacking - lacking % pace) / pace
        if lacking % pace > 0 then millis = millis + 1 end
        wait = math.max(wait, millis)
    end
end
for i, bucket in ipairs(KEYS) do
    local pace, cost = tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i + 1])
    if wait <= patience then missing[i] = missing[i] + cost end
    redis.call('HSET', bucket, 'missing', string.format('%.0f', missing[i]), 'at', string.format('%.0f', now))
    -- Once it is full again there is nothing to remember.
    redis.call('PEXPIRE', bucket, string.format('%.0f', math.ceil(missing[i] / pace)))
end
return wait
