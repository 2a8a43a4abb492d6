/**
 * What changes a shared book, each in one step of Redis. Redis undoes nothing when a script breaks off, so each looks at everything
 * first, and what makes the change true is written last.
 *
 * Needs Redis 5: before, a script could not write after it had asked for the time.
 */
import type { KeyScript } from '#main/brokers/keyspace.ts';

/** Settled runs that are kept of one schedule. */
export const RUNS_KEPT = 50;
/** How long runs of a removed schedule stay, in ms: an undone removal finds them again. */
const AFTERLIFE = 7 * 86_400_000;

/** Writes whole numbers as such; Lua's own way has an exponent. */
const NUMBERS = `
local function whole(number) return string.format('%.0f', number) end
local function now()
	local time = redis.call('TIME')
	return time[1] * 1000 + math.floor(time[2] / 1000)
end`;

/** Moves a schedule's due time in a hash on, never back. */
const RISE = `
local function rise(hash, key, due)
	if due == '' then return end
	local known = tonumber(redis.call('HGET', hash, key) or '')
	if not known or known < tonumber(due) then redis.call('HSET', hash, key, due) end
end`;

/**
 * Puts or removes an entry, if it is still the text that was read.
 * KEYS entries names revision runs:KEY cursors ran total touched
 * ARGV key, SHA-1 of the text as read (empty: there was none), name as read (empty: none), new name (empty: remove), definition, channel
 * -> {'moved'} | {'taken', key} | {'done', text (empty: removed)}
 */
export const WRITE_ENTRY: KeyScript = {
	name: 'write entry',
	lua: `${NUMBERS}
local key, seen, before, name = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local raw = redis.call('HGET', KEYS[1], key)
if (raw and redis.sha1hex(raw) or '') ~= seen then return {'moved'} end
if name ~= '' then
	local by = redis.call('HGET', KEYS[2], name)
	local other = by and by ~= key and redis.call('HGET', KEYS[1], by)
	if other then
		-- The index only says where to look; what cannot be read there keeps its name.
		local read, entry = pcall(cjson.decode, other)
		local known = read and type(entry) == 'table' and type(entry.definition) == 'table'
		if not known or entry.definition.name == name then return {'taken', by} end
	end
end
local renames = before ~= '' and before ~= name and redis.call('HGET', KEYS[2], before) == key
local revision = redis.call('INCR', KEYS[3])
if renames then redis.call('HDEL', KEYS[2], before) end
local text = ''
if name == '' then
	redis.call('PEXPIRE', KEYS[4], ${AFTERLIFE})
	for index = 5, 7 do redis.call('HDEL', KEYS[index], key) end
	redis.call('ZREM', KEYS[8], key)
	redis.call('HDEL', KEYS[1], key)
else
	redis.call('HSET', KEYS[2], name, key)
	if not raw then redis.call('PERSIST', KEYS[4]) end
	text = '{"format":1,"changedAt":' .. whole(now()) .. ',"definition":' .. ARGV[5] .. '}'
	redis.call('HSET', KEYS[1], key, text)
end
redis.pcall('PUBLISH', ARGV[6], revision)
return {'done', text}`,
};

/**
 * Takes or renews the right to run.
 * KEYS lease fence entries cursors ran total; ARGV holder, ms
 * -> {fence} | {fence of the other, holder, ms left}
 */
export const HOLD: KeyScript = {
	name: 'hold',
	lua: `${NUMBERS}
local lease = redis.call('GET', KEYS[1])
if lease then
	local fence, holder = string.match(lease, '^(%d+) (.+)$')
	if holder == ARGV[1] then
		redis.call('PEXPIRE', KEYS[1], ARGV[2])
		return {tonumber(fence)}
	end
	return {tonumber(fence) or 0, holder or '', redis.call('PTTL', KEYS[1])}
end
local fence = redis.call('INCR', KEYS[2])
redis.call('SET', KEYS[1], whole(fence) .. ' ' .. ARGV[1], 'PX', ARGV[2])
-- A new holder tidies up after schedules that are gone, whose last runs were settled after their removal.
local old = now() - ${AFTERLIFE}
local cursors = redis.call('HGETALL', KEYS[4])
for index = 1, #cursors, 2 do
	local due = tonumber(cursors[index + 1])
	if due and due < old and redis.call('HEXISTS', KEYS[3], cursors[index]) == 0 then
		for hash = 4, 6 do redis.call('HDEL', KEYS[hash], cursors[index]) end
	end
end
return {fence}`,
};

/** Gives the right back, if it is still held. KEYS lease; ARGV "FENCE HOLDER". */
export const RELEASE: KeyScript = {
	name: 'release',
	lua: `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`,
};

/**
 * Claims due times, all in one step, if the right is still held.
 * KEYS lease open cursors; ARGV "FENCE HOLDER", beginning of runs:KEY, then for each: key, field of the due time, due time for the
 * cursor (empty: none), run
 * -> 'lost' | for each: nothing where it is claimed now, else the run as it stands
 */
export const CLAIM: KeyScript = {
	name: 'claim',
	lua: `${RISE}
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'lost' end
local standing = {}
for at = 3, #ARGV, 4 do
	local key, field, due = ARGV[at], ARGV[at + 1], ARGV[at + 2]
	local place = field .. '|' .. key
	local found = redis.call('HGET', KEYS[2], place) or redis.call('HGET', ARGV[2] .. key, field)
	standing[#standing + 1] = found
	if not found then
		redis.call('HSET', KEYS[2], place, ARGV[at + 3])
		rise(KEYS[3], key, due)
	end
end
return standing`,
};

/**
 * Writes what became of runs. What was published stays so, and no outcome gives way to doubt: somebody who judged a claim before its
 * publisher was heard of knew less.
 * What only says that a run is open is written while nobody else has had the right since, and never over an outcome.
 * Each settled run gets a number, which stands at the end of its text, so that others read only what they do not have.
 * KEYS open cursors ran total touched settling entries fence; ARGV beginning of runs:KEY, fence of the writer (empty: none), then for
 * each: key, field of the due time, due time for cursor and last run (empty: by hand, so for neither), state, run
 * -> for each: 1 where it stands there now, else 0
 */
export const SETTLE: KeyScript = {
	name: 'settle',
	lua: `${NUMBERS}${RISE}
local mine = redis.call('GET', KEYS[8]) == ARGV[2]
local written = {}
for at = 3, #ARGV, 5 do
	local key, field, due, state, text = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
	local runs, place = ARGV[1] .. key, field .. '|' .. key
	local before = redis.call('HGET', runs, field)
	local was = before and string.match(before, '^{"state":"(%a+)"')
	local open = state == 'claimed' or state == 'retrying'
	if open and (before or not mine) then
		written[#written + 1] = 0
	elseif (was == 'fired' and state ~= 'fired') or (was and state == 'uncertain') then
		redis.call('HDEL', KEYS[1], place)
		written[#written + 1] = 0
	else
		written[#written + 1] = 1
		if open then
			redis.call('HSET', KEYS[1], place, text)
		else
			local number = redis.call('INCR', KEYS[6])
			redis.call('HSET', runs, field, string.sub(text, 1, -2) .. ',"settled":' .. whole(number) .. '}')
			redis.call('HDEL', KEYS[1], place)
			redis.call('ZADD', KEYS[5], number, key)
		end
		rise(KEYS[2], key, due)
		if state == 'fired' and was ~= 'fired' then
			redis.call('HINCRBY', KEYS[4], key, 1)
			rise(KEYS[3], key, due)
		end
		if redis.call('HLEN', runs) > ${RUNS_KEPT + 10} then
			local fields = redis.call('HKEYS', runs)
			local function due_of(one) return tonumber((string.gsub(one, '^m', ''))) or 0 end
			table.sort(fields, function(a, b) return due_of(a) < due_of(b) end)
			for index = 1, #fields - ${RUNS_KEPT} do redis.call('HDEL', runs, fields[index]) end
		end
		if redis.call('HEXISTS', KEYS[7], key) == 0 then redis.call('PEXPIRE', runs, ${AFTERLIFE}) end
	end
end
return written`,
};

/**
 * Runs that were settled after a number, of so many schedules at most: of those beyond a number, the longest ago first.
 * KEYS touched settling; ARGV beginning of runs:KEY, settled after, beyond, most
 * -> the number that was gone by (0 where this ledger has not come so far: it is another one, or was put back),
 *    then for each schedule: key, number, {field, run, …}
 */
export const RECENT: KeyScript = {
	name: 'recent',
	lua: `
local since, beyond = tonumber(ARGV[2]), tonumber(ARGV[3])
if since > (tonumber(redis.call('GET', KEYS[2]) or '') or 0) then since, beyond = 0, 0 end
local found = {since}
local touched = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. string.format('%.0f', beyond), '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[4])
for index = 1, #touched, 2 do
	local runs, news = redis.call('HGETALL', ARGV[1] .. touched[index]), {}
	for at = 1, #runs, 2 do
		local settled = tonumber(string.match(runs[at + 1], '"settled":(%d+)}$') or '')
		if not settled or settled > since then
			news[#news + 1] = runs[at]
			news[#news + 1] = runs[at + 1]
		end
	end
	found[#found + 1] = touched[index]
	found[#found + 1] = tonumber(touched[index + 1])
	found[#found + 1] = news
end
return found`,
};
