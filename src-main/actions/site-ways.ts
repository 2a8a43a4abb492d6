/**
 * The ways in which a row of a carrot site can run again. The site's own requeue comes first. It cannot read many of its own arguments
 * (it cuts them at every comma) and answers 500 then; so the others follow: a row of ours in the site's database with a message of
 * ours, else a schedule that runs once, else a refusal that says why. None of them changes an argument on the way.
 */
import { contentArguments, rowArguments } from '#main/dialects/carrot/row-arguments.ts';
import { scheduleArgsText } from '#main/dialects/carrot/row-forecast.ts';
import { messageOfRow, requeueOp } from '#main/dialects/carrot/row-message.ts';
import { type Failure, fail, ok, type Result } from '#main/domain/result.ts';
import type { RequeueForecast, SiteLink, SiteRow } from '#main/domain/site.ts';
import { SITE_TABS } from '#main/domain/site.ts';
import { READY_DEADLINE_MS } from './deployment.ts';
import type { SiteDatabase, SiteTarget } from './site-doors.ts';

/** What became of a row that was sent again. */
export interface Sent {
	readonly link: SiteLink;
	/** Epoch ms at which the new message was published. */
	readonly at: number;
	/** What a person should know of it; null: nothing. */
	readonly note: string | null;
}

/** Clocks of the site and of this machine may differ by so much, in ms. */
const SKEW_MS = 120_000;

/** Sends a row again by the first way that can. A failure means that the old row is still there. */
export async function sendAgain(target: SiteTarget, row: SiteRow, forecast: RequeueForecast): Promise<Result<Sent>> {
	// Where the outcome is known and there is a better way, the site is spared an error that its admins would be mailed about.
	if (!forecast.siteCan && target.database !== null) return byDatabase(target, row, target.database);
	const began = target.broker.now();
	const answer = await target.door.requeue(row.id);
	if (answer.ok) return ok(sent(row, answer.value, 'site', answer.value.publishedAt ?? target.broker.now(), null));
	const { error } = answer;
	if (error.code === 'not-found') return fail('gone', 'is no longer on the site');
	const status = typeof error.details?.status === 'number' ? error.details.status : null;
	if (status === null || status < 500) return unanswered(target, row, began, error);
	// The arguments are read before anything is published, so that this 500 has changed nothing.
	if (!forecast.siteCan) return otherWay(target, row, `the site answered ${status}, as ${forecast.reason}`);
	const twin = await findTwin(target, row, began);
	if (!twin.ok) {
		return fail(
			error.code,
			`${error.message} Whether it had published before could not be seen: ${twin.error.message}`,
		);
	}
	if (twin.value !== null) {
		// It may have published and failed at taking the old row away; or somebody else published the same call just now.
		return fail(
			'conflict',
			`${error.message} Row ${twin.value.id}, a new one of the same call, has appeared meanwhile: if it is this one's, delete the old row; else try again.`,
		);
	}
	if (row.utcOffset === null && row.publishedAt !== null) {
		return fail(
			'refused',
			`${error.message} The site prints times without a zone, so whether it had published before cannot be told. Look for a new row of ${row.task} before you try again.`,
		);
	}
	return otherWay(target, row, `the site answered ${status}`);
}

function sent(row: SiteRow, made: SiteRow | null, way: SiteLink['way'], at: number, note: string | null): Sent {
	const link = { id: row.id, uuid: row.uuid, newId: made?.id ?? null, newUuid: made?.uuid ?? null, way };
	return { link, at, note };
}

/** A change that got no answer: carried out or not shows in whether the old row is still there. */
async function unanswered(target: SiteTarget, row: SiteRow, began: number, error: Failure): Promise<Result<Sent>> {
	if (error.details?.sent !== true) return { ok: false, error };
	const still = await target.door.row(row.id);
	if (still.ok) {
		return fail(
			error.code,
			`${error.message} The old row is still there; the site may yet carry it out, so look again before you repeat it.`,
		);
	}
	if (still.error.code !== 'not-found')
		return fail(error.code, `${error.message} Whether it was carried out is not known.`);
	const twin = await findTwin(target, row, began);
	const made = twin.ok ? twin.value : null;
	const note = made === null ? 'The site gave no answer but carried it out; its new row was not found.' : null;
	return ok(sent(row, made, 'site', made?.publishedAt ?? began, note));
}

async function otherWay(target: SiteTarget, row: SiteRow, why: string): Promise<Result<Sent>> {
	if (target.database !== null) return byDatabase(target, row, target.database);
	const once = onceOf(row);
	if (once.ok) return bySchedule(target, row, once.value);
	return fail(
		'unsupported',
		`${why}, and there is no other way: ${once.error.message} Give the site's project and settings (--project, --settings), so that Warren can write the row itself.`,
	);
}

/** A row of ours and a message of ours: everything as it was, priority and types included. */
async function byDatabase(target: SiteTarget, row: SiteRow, database: SiteDatabase): Promise<Result<Sent>> {
	const { history, driver, profile, newId, now } = target.broker;
	const uuid = newId();
	const { message, fault } = messageOfRow(row, profile.dialect, uuid);
	if (fault !== null) return fail('unsupported', `its arguments are no plain data: ${fault.reason}`);
	const ready = await driver.ready(READY_DEADLINE_MS);
	if (!ready.ok) return ready;
	const at = now();
	const { task, queue, exchange, routingKey, priority } = row;
	const texts = { argsText: row.argsText ?? '()', content: row.content ?? '{}' };
	const inserted = await database.insert({ uuid, task, queue, exchange, routingKey, priority, ...texts });
	if (!inserted.ok) return inserted;
	const known = await history.taskOfMessage(profile.id, row.uuid);
	const op = requeueOp(row, { messageId: uuid, at }, known, { profile: profile.id, dialect: profile.dialect });
	if (op !== null) await history.apply([op]);
	const published = await driver.publish(message);
	if (!published.ok && published.error.code === 'timeout') {
		return fail(
			'timeout',
			`${published.error.message} Row ${inserted.value} waits for that message; the old row is kept.`,
		);
	}
	if (!published.ok) {
		await history.apply([{ kind: 'unpublished', profile: profile.id, at: now(), messageId: uuid }]);
		const back = await database.takeBack(inserted.value, uuid);
		const left =
			back.ok && back.value ? '' : ` The new row ${inserted.value} could not be taken back and waits for nothing.`;
		return fail(published.error.code, `${published.error.message}${left}`);
	}
	const removed = await target.door.remove(row.id);
	const gone = removed.ok || removed.error.code === 'not-found';
	const note = gone ? null : `The old row could not be deleted: ${removed.error.message}`;
	const made = { ...row, id: inserted.value, uuid };
	return ok(sent(row, made, 'database', at, note));
}

interface Once {
	readonly task: string;
	readonly queue: string;
	readonly exchange: string | null;
	readonly routingKey: string | null;
	readonly argsText: string;
	readonly content: string;
}

/** The row as a schedule that runs once; fails where that would change something. */
function onceOf(row: SiteRow): Result<Once> {
	if (row.priority !== 0) return fail('unsupported', 'A schedule would lose its priority.');
	const call = rowArguments(row);
	if (!call.ok) return call;
	const argsText = scheduleArgsText(call.value.args);
	if (argsText === null) return fail('unsupported', 'A schedule would turn its positional arguments into text.');
	const content = contentArguments(row.content);
	if (!content.ok) return content;
	const { task, queue, exchange, routingKey } = row;
	return ok({
		task,
		queue: queue ?? 'default',
		exchange: exchange === '' ? null : exchange,
		routingKey: routingKey === '' ? null : routingKey,
		argsText,
		content: row.content === null || content.value.length === 0 ? '{}' : row.content,
	});
}

async function bySchedule(target: SiteTarget, row: SiteRow, once: Once): Promise<Result<Sent>> {
	const { newId, now } = target.broker;
	const name = `warren-once-${newId()}`;
	const made = await target.door.addSchedule({ ...once, name, intervalCount: 1, intervalType: 'days', active: false });
	if (!made.ok) return fail(made.error.code, `A schedule to run it once could not be made: ${made.error.message}`);
	const began = now();
	const before = await findTwins(target, row, began);
	const ran = await target.door.runSchedule(made.value.id);
	const tidied = await target.door.removeSchedule(made.value.id);
	const left = tidied.ok
		? null
		: `The schedule ${name}, which is switched off, could not be removed: ${tidied.error.message}`;
	if (!ran.ok) {
		const unsure = ran.error.details?.sent === true && ran.error.details.status === undefined;
		const open = unsure ? ' Whether it ran is not known.' : '';
		return fail(
			ran.error.code,
			`The schedule that was to run it once failed: ${ran.error.message}${open} ${left ?? ''}`.trim(),
		);
	}
	const twin = await findTwin(target, row, began, before.ok ? before.value : []);
	const removed = await target.door.remove(row.id);
	const kept =
		removed.ok || removed.error.code === 'not-found'
			? null
			: `The old row could not be deleted: ${removed.error.message}`;
	const found = twin.ok ? twin.value : null;
	const unseen = found === null ? 'It was published; its new row was not found.' : null;
	const note = [left, kept, unseen].filter((one) => one !== null).join(' ');
	return ok(sent(row, found, 'schedule', found?.publishedAt ?? began, note === '' ? null : note));
}

/** The new row of the same call, published since; null: none on the first pages, where a row that new stands. */
async function findTwin(
	target: SiteTarget,
	row: SiteRow,
	since: number,
	others: readonly SiteRow[] = [],
): Promise<Result<SiteRow | null>> {
	const twins = await findTwins(target, row, since);
	if (!twins.ok) return twins;
	const known = new Set(others.map((one) => one.id));
	const fresh = twins.value.filter((one) => !known.has(one.id)).toSorted((a, b) => b.id - a.id);
	return ok(fresh[0] ?? null);
}

async function findTwins(target: SiteTarget, row: SiteRow, since: number): Promise<Result<readonly SiteRow[]>> {
	const call = callOf(row);
	const twins: SiteRow[] = [];
	for (const tab of SITE_TABS) {
		const page = await target.door.page(tab, 1, row.task);
		if (!page.ok) return page;
		const alike = page.value.items.filter((one) => one.id > row.id && one.task === row.task && one.queue === row.queue);
		const lately = alike.filter(
			(one) => one.publishedAt !== null && one.utcOffset !== null && one.publishedAt >= since - SKEW_MS,
		);
		twins.push(...lately.filter((one) => callOf(one) === call));
	}
	return ok(twins);
}

function callOf(row: SiteRow): string {
	const call = rowArguments(row);
	return call.ok ? JSON.stringify(call.value) : JSON.stringify([row.argsText, row.content]);
}
