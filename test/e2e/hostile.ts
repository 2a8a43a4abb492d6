/** Texts that have broken consoles before: markup, scripts, addresses, terminal escapes, directions, sheer size. */

/** Each of them may be a task's name, an argument, a log line, an exception, a header, a queue. */
export const HOSTILE: readonly string[] = [
	'<script>window.pwned=1</script>',
	'<img src=x onerror="window.pwned=1">',
	'"><svg onload=window.pwned=1>',
	"'-alert(1)-'",
	'</textarea><iframe src="javascript:window.pwned=1"></iframe>',
	'<a href="http://127.0.0.1:9/steal">click</a>',
	'<link rel=stylesheet href="//127.0.0.1:9/x.css">',
	'<meta http-equiv=refresh content="0;url=http://127.0.0.1:9/">',
	'<form action="http://127.0.0.1:9/"><button>go</button></form>',
	'{@html window.pwned=1}{{constructor.constructor("window.pwned=1")()}}',
	'javascript:window.pwned=1',
	'http://127.0.0.1:9/beacon.png',
	'![x](http://127.0.0.1:9/x.png)',
	'\u001b]8;;http://127.0.0.1:9/\u0007link\u001b]8;;\u0007',
	'\u001b]52;c;cHduZWQ=\u0007',
	'\u001b[2J\u001b[H\u001b[31mred\u001b[0m',
	'\u001b]0;title\u0007\u001bP1$r0m\u001b\\',
	'\u202egnp.exe\u202c \u2066x\u2069',
	'a\u0000b\u0007c\u0008d',
	'\ud800lone surrogate',
	// biome-ignore lint/suspicious/noTemplateCurlyInString: that is the point of it
	'%s %n %x ${7*7} #{7*7} $(id) `id`',
	"'; DROP TABLE tasks; --",
	'../../../../etc/passwd',
	'__proto__',
	'constructor',
	'𝕬𝖉𝖆 👩‍👩‍👧‍👦 Ǻ ﷽',
	`${'A'.repeat(20_000)}`,
	`${'\n'.repeat(50)}bottom`,
];
