/** A bare client that fetches a list of django-q's in windows and does nothing with it. Arguments: Redis URL, queue, how many. */
import { Redis } from 'ioredis';
import { packetKey } from '#main/brokers/packets.ts';

const [url = '', queue = '', given = ''] = process.argv.slice(2);
const WINDOW = 500;
/** Peak so far: `maxRSS` is in KiB. */
const peakMiB = () => Math.round(process.resourceUsage().maxRSS / 1024);

const redis = new Redis(url);
await redis.ping();
const idleMiB = peakMiB();
const started = performance.now();
for (let at = 0; at < Number(given); at += WINDOW) {
	await redis.lrangeBuffer(packetKey(queue), at, at + WINDOW - 1);
}
const allMs = Math.round((performance.now() - started) * 10) / 10;
await redis.quit();
console.log(JSON.stringify({ idleMiB, allMs, peakMiB: peakMiB() }));
