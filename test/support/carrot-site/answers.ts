/** What the stand-in answers with: pages, refusals and Django's debug page. */
import type { ServerResponse } from 'node:http';

export interface Answer {
	readonly status: number;
	readonly json?: unknown;
	readonly text?: string;
	readonly headers?: Readonly<Record<string, string | readonly string[]>>;
}

/** What stands in every row's `virtual_host`; nothing of Warren's may ever hold it. */
export const CANARY = 'amqp://broker-user:canary-3f9a1c-password@broker.internal:5672/site';

const PAGE = 50;

/** One page of a list, as REST framework cuts it. */
export function page(url: URL, all: readonly unknown[]): Answer {
	const number = Number(url.searchParams.get('page') ?? '1');
	const last = Math.max(1, Math.ceil(all.length / PAGE));
	if (!Number.isInteger(number) || number < 1 || number > last)
		return { status: 404, json: { detail: 'Invalid page.' } };
	const at = (other: number) => `${url.pathname}?page=${other}`;
	return {
		status: 200,
		json: {
			count: all.length,
			next: number < last ? at(number + 1) : null,
			previous: number > 1 ? at(number - 1) : null,
			results: all.slice((number - 1) * PAGE, number * PAGE),
		},
	};
}

/** Django's debug page, which shows settings to whoever reads it. */
export function failed(exception: string): Answer {
	return {
		status: 500,
		text: `<html><head><title>${exception} at /carrot/api/message-logs/</title></head><body>CARROT = {'default_broker': '${CANARY}'}</body></html>`,
	};
}

/** As carrot itself says that there is no such row. */
export function notFound(): Answer {
	return { status: 404, json: { detail: 'Not found.' } };
}

/** As Django says that there is no such address. */
export function notFoundPage(): Answer {
	return { status: 404, text: '<h1>Not Found</h1>' };
}

export function notAllowed(method: string): Answer {
	return { status: 405, json: { detail: `Method "${method}" not allowed.` } };
}

export function send(response: ServerResponse, answer: Answer): void {
	const json = answer.json !== undefined;
	const body = json ? JSON.stringify(answer.json) : (answer.text ?? '');
	response.writeHead(answer.status, {
		'content-type': json ? 'application/json' : 'text/html; charset=utf-8',
		...(answer.headers as Record<string, string | string[]>),
	});
	response.end(body);
}
