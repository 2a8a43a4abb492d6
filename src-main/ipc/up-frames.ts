/** Checks what comes up a wire by hand, field by field: whoever is at the other end may send anything. */
import type { UpFrame } from './frames.ts';

const ID_MAX = Number.MAX_SAFE_INTEGER;
const NAME_MAX = 100;
const CONFIRM_MAX = 400;

/** The frame, made anew from its known fields; null when it is none. */
export function readUpFrame(data: unknown): UpFrame | null {
	if (typeof data !== 'object' || data === null || Array.isArray(data)) return null;
	const frame = data as Readonly<Record<string, unknown>>;
	switch (frame.kind) {
		case 'hello':
			return isCount(frame.protocol) && isName(frame.build)
				? { kind: 'hello', protocol: frame.protocol, build: frame.build }
				: null;
		case 'request': {
			if (!isId(frame.id) || !isName(frame.route)) return null;
			const request = { kind: 'request', id: frame.id, route: frame.route, input: frame.input } as const;
			if (frame.confirm === undefined) return request;
			const { confirm } = frame;
			return typeof confirm === 'string' && confirm.length <= CONFIRM_MAX ? { ...request, confirm } : null;
		}
		case 'open':
			return isId(frame.id) && isName(frame.stream) && isCount(frame.credit)
				? { kind: 'open', id: frame.id, stream: frame.stream, input: frame.input, credit: frame.credit }
				: null;
		case 'cancel':
		case 'ack':
		case 'close':
			return isId(frame.id) ? { kind: frame.kind, id: frame.id } : null;
		case 'visible':
			return typeof frame.visible === 'boolean' ? { kind: 'visible', visible: frame.visible } : null;
		default:
			return null;
	}
}

function isId(value: unknown): value is number {
	return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 && value <= ID_MAX;
}

function isCount(value: unknown): value is number {
	return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isName(value: unknown): value is string {
	return typeof value === 'string' && value.length > 0 && value.length <= NAME_MAX;
}
