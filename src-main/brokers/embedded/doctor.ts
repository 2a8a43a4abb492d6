/** The doctor of the built-in broker: can its file be written, is it sound, and are the queues there. */
import { access, constants, stat } from 'node:fs/promises';
import type { Clock } from '../../domain/clock.ts';
import { silentLog } from '../../domain/log.ts';
import type { DoctorStep } from '../../domain/profile.ts';
import type { Doctor } from '../driver.ts';
import { createEmbeddedDriver, embeddedFile } from './driver.ts';

export interface EmbeddedDoctorOptions {
	readonly folder: string;
	readonly clock: Clock;
	readonly embeddedThread: URL;
}

/** Makes the doctor of one profile's folder. */
export function createEmbeddedDoctor(options: EmbeddedDoctorOptions): Doctor {
	return async (queues, signal) => {
		const { clock, folder } = options;
		const steps: DoctorStep[] = [];
		let started = clock.monotonic();
		const note = (step: DoctorStep['step'], status: DoctorStep['status'], finding: string, cure: string | null) => {
			const now = clock.monotonic();
			steps.push({ step, status, finding, cure, tookMs: Math.round(now - started) });
			started = now;
		};
		const file = embeddedFile(folder);
		note('address', 'passed', `The built-in broker, in ${file}.`, null);
		try {
			await access(folder, constants.R_OK | constants.W_OK);
		} catch (error) {
			note(
				'storage',
				'failed',
				`The folder cannot be written: ${(error as Error).message}`,
				'Make the folder, or give your user the right to write to it.',
			);
			return steps;
		}
		await using driver = createEmbeddedDriver({ ...options, log: silentLog });
		driver.connect();
		const ready = await driver.ready(15_000);
		if (!ready.ok || signal.aborted) {
			note(
				'storage',
				'failed',
				ready.ok ? 'Stopped.' : ready.error.message,
				`Close other programs that hold the file, or move it away: Warren makes a new, empty one.`,
			);
			return steps;
		}
		const figures = await driver.queues([]);
		const size = await stat(file).then(
			({ size: bytes }) => `${Math.ceil(bytes / 1024)} KiB`,
			() => 'new',
		);
		note('storage', 'passed', `The file can be read and written (${size}).`, null);
		if (!figures.ok) {
			note('queues', 'failed', figures.error.message, 'Move the file away: Warren makes a new, empty one.');
			return steps;
		}
		const names = figures.value.map(({ name }) => name);
		const missing = queues.filter((queue) => !names.includes(queue));
		if (missing.length > 0) {
			note(
				'queues',
				'warning',
				`Not there yet: ${missing.join(', ')}.`,
				'Start a consumer for them, or publish a task from Warren: both make the queue.',
			);
		} else note('queues', 'passed', names.length === 0 ? 'No queues yet.' : `Queues: ${names.join(', ')}.`, null);
		return steps;
	};
}
