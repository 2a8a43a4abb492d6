import { describe, expect, it } from 'vitest';
import { profileId } from '#main/domain/ids.ts';
import { CARROT_DIALECT, type Profile } from '#main/domain/profile.ts';
import { readCredentials, readMonitor } from '#main/engine/monitor-settings.ts';

const OLD: Profile = {
	id: profileId('shop'),
	name: 'shop',
	framework: 'carrot',
	broker: { kind: 'embedded' },
	environment: 'development',
	readOnly: false,
	monitorUrl: 'https://site.example/carrot/',
	managementUrl: null,
	monitorTls: { caFile: '/etc/ca.pem', certFile: null, keyFile: null, serverName: null, verify: true },
	dialect: CARROT_DIALECT,
	queues: [],
	sandbox: false,
	createdAt: 1,
	updatedAt: 1,
};
const SECRET = JSON.stringify({ username: 'ann', password: 'old' });
function read(input: Parameters<typeof readMonitor>[0]) {
	const made = readMonitor(input, OLD, SECRET);
	if (!made.ok) throw new Error(made.error.message);
	const { monitor } = made.value.secret;
	return { ...made.value, login: monitor === undefined ? 'as it was' : readCredentials(monitor ?? null) };
}

describe("a site's monitor in a profile", () => {
	it('stays as it was where nothing is said of it', () => {
		expect(read({})).toMatchObject({ url: OLD.monitorUrl, tls: OLD.monitorTls, login: 'as it was' });
	});

	it('keeps the password for the same user, and never hands it to another', () => {
		expect(read({ monitorUser: 'ann' }).login).toEqual({ username: 'ann', password: 'old' });
		expect(read({ monitorUser: 'bob' }).login).toEqual({ username: 'bob', password: '' });
		expect(read({ monitorPassword: 'new' }).login).toEqual({ username: 'ann', password: 'new' });
	});

	it('loses its login by an empty user, and everything by an empty address', () => {
		expect(read({ monitorUser: '' })).toMatchObject({ url: OLD.monitorUrl, secret: { monitor: null } });
		expect(read({ monitor: '' })).toMatchObject({ url: null, tls: null, secret: { monitor: null } });
	});
});
