/**
 * A site's database through the project's own Python: for the two things that the monitor's API cannot do, inserting a row and taking
 * it back. One process per use, which reads commands as JSON lines and ends with its input.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fail, ok, type Result } from '#main/domain/result.ts';

export interface DatabaseOptions {
	/** Interpreter: a name on PATH or a path. */
	readonly executable: string;
	/** `carrot_rows.py`. */
	readonly script: string;
	readonly project: string;
	readonly settings: string;
	/** The whole environment of the process. */
	readonly env: Readonly<Record<string, string>>;
	/** Milliseconds for the start and for each command. */
	readonly deadlineMs: number;
}

export interface DatabaseRow {
	readonly uuid: string;
	readonly task: string;
	readonly queue: string | null;
	readonly exchange: string | null;
	readonly routingKey: string | null;
	readonly priority: number;
	readonly argsText: string;
	readonly content: string;
}

/** Open until disposed of. Calls one at a time. */
export interface SiteDatabaseDoor extends AsyncDisposable {
	insert(row: DatabaseRow): Promise<Result<number>>;
	/** False: no waiting row has this number and message id. */
	takeBack(id: number, uuid: string): Promise<Result<boolean>>;
	/** How many rows there are, and the alias of the database. */
	check(): Promise<Result<{ readonly rows: number; readonly database: string }>>;
}

type Answer = Readonly<Record<string, unknown>>;

/** Longest words of a failing project that are repeated. */
const LAST_WORDS = 2_000;

/** Starts the project. Fails when it cannot be loaded, or has no table of carrot's. */
export async function openSiteDatabase(options: DatabaseOptions): Promise<Result<SiteDatabaseDoor>> {
	const door = new Door(options);
	const ready = await door.answer();
	const problem = !ready.ok
		? ready
		: ready.value.table === true
			? null
			: fail('unsupported', `The project ${options.project} has no table of carrot's. Is it the right one?`);
	if (problem === null) return ok(door);
	await door[Symbol.asyncDispose]();
	return problem;
}

class Door implements SiteDatabaseDoor {
	readonly #options: DatabaseOptions;
	readonly #child: ChildProcessWithoutNullStreams;
	readonly #answers: AsyncIterator<string>;
	readonly #gone: Promise<void>;
	#lastWords = '';
	#problem: string | null = null;

	constructor(options: DatabaseOptions) {
		this.#options = options;
		const { executable, script, project, settings, env } = options;
		const child = spawn(executable, [script, '--project', project, '--settings', settings], { env, windowsHide: true });
		this.#child = child;
		this.#gone = new Promise((resolve) => child.once('close', () => resolve()));
		child.once('error', (error) => {
			this.#problem = error.message;
		});
		// A project that ends early closes its input; the answer that is missing tells of it.
		child.stdin.on('error', () => {});
		child.stderr.setEncoding('utf8').on('data', (text: string) => {
			this.#lastWords = `${this.#lastWords}${text}`.slice(-LAST_WORDS);
		});
		this.#answers = createInterface({ input: child.stdout, crlfDelay: Number.POSITIVE_INFINITY })[
			Symbol.asyncIterator
		]();
	}

	/** The next line that the project answers. */
	async answer(): Promise<Result<Answer>> {
		const late = Promise.withResolvers<'late'>();
		const timer = setTimeout(() => late.resolve('late'), this.#options.deadlineMs);
		try {
			const line = await Promise.race([this.#answers.next(), late.promise]);
			if (line === 'late') {
				this.#child.kill('SIGKILL');
				return fail('timeout', `The project did not answer within ${Math.round(this.#options.deadlineMs / 1000)} s.`);
			}
			if (line.done === true) {
				const words = this.#problem ?? this.#lastWords.trim();
				return fail(
					'unreachable',
					`The project could not be started with ${this.#options.executable}. ${words}`.trim(),
				);
			}
			const answer = JSON.parse(line.value) as Answer;
			if (answer.ok === true) return ok(answer);
			return fail('refused', `The site's project says: ${String(answer.error ?? 'nothing')}`);
		} catch (error) {
			return fail('undecodable', `The project answered with no JSON: ${String(error)}`);
		} finally {
			clearTimeout(timer);
		}
	}

	#ask(request: Readonly<Record<string, unknown>>): Promise<Result<Answer>> {
		this.#child.stdin.write(`${JSON.stringify(request)}\n`);
		return this.answer();
	}

	async insert(row: DatabaseRow): Promise<Result<number>> {
		const { routingKey: routing_key, argsText: task_args, ...rest } = row;
		const answer = await this.#ask({ do: 'insert', row: { ...rest, routing_key, task_args } });
		return answer.ok ? ok(Number(answer.value.id)) : answer;
	}

	async takeBack(id: number, uuid: string): Promise<Result<boolean>> {
		const answer = await this.#ask({ do: 'remove', id, uuid });
		return answer.ok ? ok(Number(answer.value.removed) > 0) : answer;
	}

	async check(): Promise<Result<{ readonly rows: number; readonly database: string }>> {
		const answer = await this.#ask({ do: 'check' });
		return answer.ok ? ok({ rows: Number(answer.value.rows), database: String(answer.value.database) }) : answer;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#child.stdin.end();
		const timer = setTimeout(() => this.#child.kill('SIGKILL'), 2_000);
		await this.#gone;
		clearTimeout(timer);
	}
}
