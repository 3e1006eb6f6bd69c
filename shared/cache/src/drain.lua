local time = redis.call('TIME')
-- As in take.lua.
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local pace, least = tonumber(ARGV[1]), tonumber(ARGV[2])
local kept = redis.call('HMGET', KEYS[1], 'missing', 'at')
local at = tonumber(kept[2] or now)
local missing = math.max(least, tonumber(kept[1] or 0) - math.max(0, now - at) * pace)
redis.call('HSET', KEYS[1], 'missing', string.format('%.0f', missing), 'at', string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.ceil(missing / pace)))
return 0
