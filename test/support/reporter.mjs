/**
 * The reporter of `npm test`: a line per finished file, each failure where it happens, and every outcome as a JSON line in
 * the file that `WARREN_TEST_REPORT` names, from which the runner counts. A test that was skipped without a reason, a
 * broken hook and an unhandled error are failures.
 */
import { appendFileSync } from 'node:fs';
import { relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

const target = process.env.WARREN_TEST_REPORT;

function record(entry) {
	if (target !== undefined) appendFileSync(target, `${JSON.stringify(entry)}\n`);
}

function indent(text) {
	return text
		.split('\n')
		.map((line) => `      ${line}`)
		.join('\n');
}

/** What went wrong, with the difference that was asserted and the place in the project. */
function describe(error) {
	const message = error.message ?? String(error);
	const parts = [error.name === undefined || message.startsWith(error.name) ? message : `${error.name}: ${message}`];
	if (error.diff) parts.push(error.diff);
	const frames = (error.stack ?? '')
		.split('\n')
		.filter((line) => /^\s*at /.test(line) && !line.includes('/node_modules/'));
	parts.push(...frames.slice(0, 8));
	if (error.cause) parts.push(`caused by ${error.cause.message ?? String(error.cause)}`);
	const text = parts.join('\n');
	return process.stdout.isTTY ? text : stripVTControlCharacters(text);
}

/** A skip without a reason counts as one. */
function isFailure(result) {
	return result.state === 'failed' || (result.state !== 'passed' && !result.note);
}

/** Whether a hook, or the file itself, failed around a test, so that it never ran. */
function failedAround(test) {
	for (let place = test.parent; place !== undefined; place = place.parent) {
		if (place.errors().length > 0) return true;
		if (place.type === 'module') return false;
	}
	return false;
}

/** Vitest's reporter interface, as much of it as is needed here. */
export class RunReporter {
	#failed(name, errors) {
		const detail = errors.map(describe).join('\n');
		record({ name, state: 'failed', detail });
		console.log(`  FAILED  ${name}\n${indent(detail)}`);
	}

	onTestModuleStart(module) {
		record({ alive: module.relativeModuleId });
	}

	onTestCaseReady(test) {
		record({ alive: test.fullName });
	}

	onTestCaseResult(test) {
		const name = `${test.project.name} | ${relative(process.cwd(), test.module.moduleId)} | ${test.fullName}`;
		const result = test.result();
		if (result.state === 'passed') return record({ name, state: 'passed' });
		if (result.state === 'failed') return this.#failed(name, result.errors);
		if (result.note) return record({ name, state: 'skipped', reason: result.note });
		// Said once, with the hook; yet a test that did not run counts as one that failed.
		if (failedAround(test)) return record({ name, state: 'failed', detail: 'not run: what is around it failed' });
		const message = 'Skipped without a reason. Say why: ctx.skip("because …"), or let it run.';
		return this.#failed(name, [{ message }]);
	}

	/** Failures outside a test: a file that does not load, a hook of a suite. */
	onTestSuiteResult(suite) {
		const errors = suite.errors();
		if (errors.length > 0) this.#failed(`${suite.project.name} | ${suite.fullName} (around its tests)`, errors);
	}

	onTestModuleEnd(module) {
		const errors = module.errors();
		const place = relative(process.cwd(), module.moduleId);
		if (errors.length > 0) this.#failed(`${module.project.name} | ${place}`, errors);
		const tests = [...module.children.allTests()];
		const failed = tests.filter((test) => isFailure(test.result())).length;
		const state = failed > 0 || errors.length > 0 ? 'failed' : 'ok    ';
		const seconds = (module.diagnostic().duration / 1000).toFixed(1);
		console.log(`  ${state}  ${place}  ${tests.length} tests${failed > 0 ? `, ${failed} failed` : ''}, ${seconds} s`);
		if (tests.length === 0 && errors.length === 0)
			this.#failed(`${module.project.name} | ${place}`, [{ message: 'A test file without a test.' }]);
	}

	onTestRunEnd(_modules, unhandled) {
		for (const error of unhandled) this.#failed('An error that no test caught', [error]);
		record({ end: true });
	}
}

// Vitest constructs the default export of a reporter module.
export default RunReporter;
