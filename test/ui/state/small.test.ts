import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ConsoleLine } from '#main/domain/consumer.ts';
import { type Command, Commands, findCommands, type KeyPress, keyName } from '#renderer/state/commands.svelte.ts';
import { LiveConsole } from '#renderer/state/console.svelte.ts';
import { type AddressBar, formatPlace, parsePlace, Route, VIEWS } from '#renderer/state/route.svelte.ts';
import { FakeEngine } from './fake-engine.ts';

function bar(start = ''): AddressBar & { readonly entries: string[]; move(hash: string): void } {
	let moved = (): void => {};
	const entries = [start];
	return {
		entries,
		read: () => entries.at(-1) ?? '',
		push: (hash) => entries.push(hash),
		replace: (hash) => {
			entries[entries.length - 1] = hash;
		},
		onMove: (listener) => {
			moved = listener;
			return { [Symbol.dispose]: () => {} };
		},
		move(hash) {
			entries.push(hash);
			moved();
		},
	};
}

describe('the address', () => {
	test('comes back as it was written, whatever the names hold', () => {
		const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
		fc.assert(
			fc.property(
				fc.record({
					profile: fc.option(text),
					view: fc.constantFrom(...VIEWS),
					task: fc.option(text),
					item: fc.option(text),
					schedule: fc.option(text),
					part: fc.option(text),
					filter: fc.string({ unit: 'grapheme', maxLength: 40 }),
					sort: fc.option(fc.constantFrom('-finishedAt', 'name')),
					asked: fc.option(fc.constantFrom('since=7d&bucket=1d', 'queue=a+b%26c&compatible=1')),
				}),
				(place) => {
					expect(parsePlace(formatPlace(place))).toEqual(place);
				},
			),
		);
	});

	test('that makes no sense leads to the start instead of failing', () => {
		expect(parsePlace('#/%E0%A4%A/nowhere?task')).toMatchObject({ view: 'queued' });
		expect(parsePlace('')).toEqual({
			profile: null,
			view: 'queued',
			task: null,
			item: null,
			schedule: null,
			part: null,
			filter: '',
			sort: null,
			asked: null,
		});
	});

	test('keeps the filter of each view for coming back to it', () => {
		const route = new Route(bar('#/p/failed'));
		route.filterBy('timeout');
		route.go('queued');
		expect(route.place.filter).toBe('');
		route.go('failed');
		expect(route.place.filter).toBe('timeout');
	});

	test('another view is an entry in the history, an opened task is not', () => {
		const address = bar('#/p/failed');
		const route = new Route(address);
		route.openTask('x');
		expect(address.entries).toEqual(['#/p/failed?task=x']);
		route.go('queued');
		expect(address.entries.length).toBe(2);
		address.move('#/p/failed?task=x');
		expect(route.place.task).toBe('x');
	});
});

function press(key: string, more: Partial<KeyPress> = {}): KeyPress {
	return { key, ctrlKey: false, metaKey: false, shiftKey: false, altKey: false, ...more };
}

describe('keys and commands', () => {
	test('a capital letter by caps lock is not Shift', () => {
		expect(keyName(press('D'))).toBe('d');
		expect(keyName(press('D', { shiftKey: true }))).toBe('Shift+d');
		expect(keyName(press('?', { shiftKey: true }))).toBe('?');
		expect(keyName(press('k', { metaKey: true }))).toBe('Mod+k');
	});

	test('a key runs its command, not while typing and not when it is disabled', () => {
		const commands = new Commands();
		const ran: string[] = [];
		let allowed: true | string = true;
		const command: Command = {
			id: 'task.requeue',
			label: 'Requeue',
			group: 'Tasks',
			key: 'r',
			enabled: () => allowed,
			run: () => ran.push('requeue'),
		};
		const added = commands.add(() => [command]);
		expect(commands.press(press('r'), true)).toBe(false);
		expect(commands.press(press('r'), false)).toBe(true);
		allowed = 'The profile is read-only';
		expect(commands.press(press('r'), false)).toBe(false);
		added[Symbol.dispose]();
		expect(commands.all).toEqual([]);
		expect(ran).toEqual(['requeue']);
	});

	test('typing finds commands by the beginnings of words', () => {
		const command = (id: string, label: string): Command => ({
			id,
			label,
			group: 'Tasks',
			key: null,
			enabled: () => true,
			run: () => {},
		});
		const all = [command('a', 'Delete tasks'), command('b', 'Requeue tasks'), command('c', 'Show help')];
		expect(findCommands(all, 'req ta').map((each) => each.id)).toEqual(['b']);
		expect(findCommands(all, '').length).toBe(3);
		expect(findCommands(all, 'nothing like it')).toEqual([]);
	});
});

describe('the live console', () => {
	const line = (text: string, level: ConsoleLine['level']): ConsoleLine => ({
		at: 1,
		level,
		source: 'log',
		logger: null,
		text,
		taskId: null,
		attemptId: null,
		taskName: null,
		slot: null,
	});

	test('draws again what it has when the level changes, and says what was dropped', () => {
		const engine = new FakeEngine();
		const live = new LiveConsole(engine, 'p');
		let drawn: string[] = [];
		live.attach({
			clear: () => {
				drawn = [];
			},
			add: (lines) => {
				drawn.push(...lines.map((each) => each.text));
			},
		});
		engine.stream('console.watch').reader.snapshot([line('a', 'debug'), line('b', 'error')]);
		engine.stream('console.watch').reader.change([line('c', 'info')], 3);
		expect(drawn).toEqual(['a', 'b', 'c']);
		expect(live.lost).toBe(3);
		live.choose('warning');
		expect(drawn).toEqual(['b']);
		engine.stream('console.watch').reader.change([line('d', 'info'), line('e', 'critical')], 0);
		expect(drawn).toEqual(['b', 'e']);
		live.choose('debug');
		expect(drawn).toEqual(['a', 'b', 'c', 'd', 'e']);
	});
});
