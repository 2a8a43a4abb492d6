/** Tasks that say whatever they are given, in every way a task can say something. */

export function say({ kwargs, log }) {
	const { text } = kwargs;
	log.info(text);
	console.log(text);
	console.error(text);
	return { [text]: text, list: [text] };
}

export function fail({ kwargs, log }) {
	const { text } = kwargs;
	log.error(text);
	const error = new Error(text);
	error.name = text.slice(0, 200);
	error.stack = `${text}: ${text}\n    at ${text} (${text}:1:1)\n    at fail (hostile-tasks.mjs:14:16)`;
	throw error;
}
