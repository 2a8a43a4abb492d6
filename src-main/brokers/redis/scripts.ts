/**
 * What has to happen as one in Redis, in Lua. All keys are named to Redis, as a cluster would need, but they lie in several slots:
 * a cluster refuses them, and so does kombu's own transport. Content is never rewritten here, since Lua's JSON loses digits.
 */
import type { KeyScript } from '../keyspace.ts';

/** Entries over this are taken for envelopes by their first and last character only, so that Redis is not held up, in bytes. */
const LARGE = 1_048_576;

/**
 * Takes entries off a queue and writes down who holds them. Where kombu's workers take first and write down after (and lose what
 * lies between), this is one step. What is no envelope is kept apart: a worker that gives back what was held for too long would
 * lose it, or end over it.
 *
 * KEYS: unacked, index, held, aside, alive, the queue's lists. ARGV: most entries, most bytes, begin of their tags, number of the
 * first, now in seconds, end of what kombu keeps of each. Answers tag, entry, tag, entry …; false: the session has lapsed.
 */
export const TAKE: KeyScript = {
	name: 'take',
	lua: `
if redis.call('EXISTS', KEYS[5]) == 0 then return false end
local function isEnvelope(raw)
	if string.byte(raw, 1) ~= 123 or string.byte(raw, -1) ~= 125 then return false end
	if #raw > ${LARGE} then return true end
	local read, value = pcall(cjson.decode, raw)
	return read and type(value) == 'table' and type(value.headers) == 'table' and type(value.properties) == 'table'
end
local left, room, number = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[4])
local out = {}
for at = 6, #KEYS do
	while left > 0 and room > 0 do
		local raw = redis.pcall('RPOP', KEYS[at])
		if type(raw) ~= 'string' then break end
		local tag = ARGV[3] .. string.format('%.0f', number)
		if isEnvelope(raw) then
			redis.call('HSET', KEYS[1], tag, '[' .. raw .. ARGV[6])
			redis.call('ZADD', KEYS[2], ARGV[5], tag)
		else
			redis.call('HSET', KEYS[4], tag, raw)
		end
		redis.call('HSET', KEYS[3], tag, #ARGV[6] .. ':' .. KEYS[at])
		out[#out + 1] = tag
		out[#out + 1] = raw
		left, room, number = left - 1, room - #raw, number + 1
	end
end
return out`,
};

/** Forgets what was held. KEYS: unacked, index, held, aside. ARGV: tags. Answers for each 1, or 0 when it was not held any more. */
export const SETTLE: KeyScript = {
	name: 'settle',
	lua: `
local out = {}
for at, tag in ipairs(ARGV) do
	out[at] = redis.call('HDEL', KEYS[1], tag) + redis.call('HDEL', KEYS[4], tag)
	redis.call('ZREM', KEYS[2], tag)
	redis.call('HDEL', KEYS[3], tag)
end
return out`,
};

/**
 * Puts an entry back to the front of its lists, if it is still held as it was read. KEYS: unacked, index, held, aside, lists.
 * ARGV: tag, digest of what is held (SHA-1), entry, since when it is held (epoch ms; empty: whenever). Answers 1; 0: it is not held any more, or anew by somebody else.
 */
export const GIVE_BACK: KeyScript = {
	name: 'give back',
	lua: `
for at = 1, 4, 3 do
	local raw = redis.call('HGET', KEYS[at], ARGV[1])
	if raw and redis.sha1hex(raw) == ARGV[2] then
		local taken = redis.call('ZSCORE', KEYS[2], ARGV[1])
		if (ARGV[4] or '') ~= '' and taken and math.floor(tonumber(taken) * 1000 + 0.5) ~= tonumber(ARGV[4]) then return 0 end
		for list = 5, #KEYS do redis.call('RPUSH', KEYS[list], ARGV[3]) end
		redis.call('HDEL', KEYS[at], ARGV[1])
		redis.call('ZREM', KEYS[2], ARGV[1])
		redis.call('HDEL', KEYS[3], ARGV[1])
		return 1
	end
end
return 0`,
};

/**
 * A window of a list, from its tail on. KEYS: list. ARGV: entries to pass over, most entries, most bytes (one entry comes whatever
 * its size). LRANGE by small pieces: an entry may be of several MB, and Lua would hold them all.
 */
export const WINDOW: KeyScript = {
	name: 'window',
	lua: `
local at, left, room = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local out, piece = {}, 8
while left > 0 do
	local want = math.min(piece, left)
	local some = redis.call('LRANGE', KEYS[1], -at - want, -at - 1)
	local bytes = 0
	for back = #some, 1, -1 do
		if #out > 0 and room < #some[back] then return out end
		out[#out + 1] = some[back]
		room, bytes = room - #some[back], bytes + #some[back]
	end
	if #some < want then return out end
	at, left = at + want, left - want
	piece = bytes / want < 4096 and 128 or 8
end
return out`,
};

/**
 * Puts another entry in the place of one that waits. KEYS: the list it waits in, the lists for the other. ARGV: the entry, the other.
 * Answers 1, or 0 when the entry does not wait there any more; then nothing was done.
 */
export const REPLACE: KeyScript = {
	name: 'replace',
	lua: `
if redis.call('LREM', KEYS[1], -1, ARGV[1]) == 0 then return 0 end
for at = 2, #KEYS do redis.call('LPUSH', KEYS[at], ARGV[2]) end
return 1`,
};

/** Removes lists with all that is in them; what is no list stays. KEYS: lists. Answers how many entries they had. */
export const CLEAR: KeyScript = {
	name: 'clear',
	lua: `
local count = 0
for _, key in ipairs(KEYS) do
	if redis.call('TYPE', key).ok == 'list' then
		count = count + redis.call('LLEN', key)
		redis.call('UNLINK', key)
	end
end
return count`,
};

/**
 * Some of what is held, by anybody. KEYS: unacked, index. ARGV: cursor, about how many, most bytes of each to answer with.
 * Answers the next cursor, then for each: tag, when it was taken (false: unknown), its size, its begin, its end.
 */
export const HELD: KeyScript = {
	name: 'held',
	lua: `
local step = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local most, some = tonumber(ARGV[3]), step[2]
local out = { step[1] }
for at = 1, #some, 2 do
	local raw = some[at + 1]
	out[#out + 1] = some[at]
	out[#out + 1] = redis.call('ZSCORE', KEYS[2], some[at])
	out[#out + 1] = #raw
	out[#out + 1] = string.sub(raw, 1, most)
	out[#out + 1] = string.sub(raw, -math.min(#raw, 1024))
end
return out`,
};

/**
 * Removes a list of answers that nobody has touched for a while, and its binding. KEYS: list, set of bindings. ARGV: seconds,
 * member of the set. Answers 1, or 0 when it is gone, no list, or in use again.
 */
export const SWEEP_REPLIES: KeyScript = {
	name: 'sweep replies',
	lua: `
if redis.call('TYPE', KEYS[1]).ok ~= 'list' then return 0 end
if redis.call('OBJECT', 'IDLETIME', KEYS[1]) < tonumber(ARGV[1]) then return 0 end
redis.call('SREM', KEYS[2], ARGV[2])
return redis.call('UNLINK', KEYS[1])`,
};
