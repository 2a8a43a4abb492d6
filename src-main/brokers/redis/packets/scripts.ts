/** What has to happen as one in Redis with django-q's lists, in Lua. */
import type { KeyScript } from '../../keyspace.ts';

/**
 * A window of a list, from a place on. KEYS: list. ARGV: packets to pass over, most packets, most bytes (one comes whatever its size).
 * Answers the list's length, then the packets. LRANGE by small pieces: a packet may have several MB, and Lua would hold them all.
 */
export const PACKETS: KeyScript = {
	name: 'packets',
	lua: `
local at, left, room = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local out, piece = { redis.call('LLEN', KEYS[1]) }, 8
while left > 0 do
	local want = math.min(piece, left)
	local some = redis.call('LRANGE', KEYS[1], at, at + want - 1)
	local bytes = 0
	for _, raw in ipairs(some) do
		if #out > 1 and room < #raw then return out end
		out[#out + 1] = raw
		room, bytes = room - #raw, bytes + #raw
	end
	if #some < want then return out end
	at, left = at + want, left - want
	piece = bytes / want < 4096 and 256 or 8
end
return out`,
};

/** Lays another packet down, last, if this one is there, and takes this one out. KEYS: from, to. ARGV: this, other. Answers 1, or 0. */
export const MOVE_BY: KeyScript = {
	name: 'replace packet',
	lua: `
local kind = redis.call('TYPE', KEYS[2]).ok
if kind ~= 'list' and kind ~= 'none' then return redis.error_reply('WRONGTYPE the other key is no list') end
if redis.call('LREM', KEYS[1], 1, ARGV[1]) == 0 then return 0 end
redis.call('RPUSH', KEYS[2], ARGV[2])
return 1`,
};

/**
 * Has another packet run next, if this one is there, and takes this one out. KEYS: from, to. ARGV: this, other, the one that it is to run
 * after (empty: none). Where that one has been taken meanwhile, it runs before all. Answers 1, or 0.
 */
export const MOVE_NEXT: KeyScript = {
	name: 'replace packet, next',
	lua: `
local kind = redis.call('TYPE', KEYS[2]).ok
if kind ~= 'list' and kind ~= 'none' then return redis.error_reply('WRONGTYPE the other key is no list') end
if redis.call('LREM', KEYS[1], 1, ARGV[1]) == 0 then return 0 end
if ARGV[3] ~= '' and redis.call('LINSERT', KEYS[2], 'AFTER', ARGV[3], ARGV[2]) > 0 then return 1 end
redis.call('LPUSH', KEYS[2], ARGV[2])
return 1`,
};

/** Empties a list. KEYS: list. Answers how many packets it had. */
export const EMPTY: KeyScript = {
	name: 'empty packets',
	lua: `
local length = redis.call('LLEN', KEYS[1])
redis.call('UNLINK', KEYS[1])
return length`,
};
