// Headers that keep a browser from doing with our answers what we never meant.

/** Scripts, styles, images and requests from here alone; no frames around us. `data:` is for the icons in styles. */
const ownContentOnly = [
  "default-src 'self'",
  "img-src 'self' data:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** On every answer; a route that shows pages of somebody else's making sets a policy of its own. */
export const securityHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': ownContentOnly,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};
