/** What a page of Warren may do, the same whichever host hands it out. */

/**
 * Nothing but its own files and its own connection. No 'unsafe-inline', for styles neither: libraries that make `<style>`
 * elements are given constructed style sheets by the page, which this policy allows.
 */
export const PAGE_POLICY = [
	"default-src 'none'",
	"script-src 'self'",
	"style-src 'self'",
	"img-src 'self' data:",
	"font-src 'self'",
	"connect-src 'self'",
	"worker-src 'self'",
	"base-uri 'none'",
	"form-action 'none'",
	"frame-ancestors 'none'",
].join('; ');

/** Headers of every answer, page or not. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
	'Content-Security-Policy': PAGE_POLICY,
	'X-Content-Type-Options': 'nosniff',
	'X-Frame-Options': 'DENY',
	'Referrer-Policy': 'no-referrer',
	'Cross-Origin-Opener-Policy': 'same-origin',
	'Cross-Origin-Resource-Policy': 'same-origin',
	'Permissions-Policy': 'camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()',
};
