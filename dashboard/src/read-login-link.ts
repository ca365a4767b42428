// What a log-in link says: the code in its fragment, and the page to go on to.

export interface LoginLink {
  readonly code: string | null;
  /** Always a path of this site. */
  readonly to: string;
}

/** Of `http://127.0.0.1:8080/login#code=XXXX&to=/runs`; text that is no link gives no code. */
export function readLoginLink(text: string): LoginLink {
  if (!URL.canParse(text)) return { code: null, to: '/' };
  const url = new URL(text);
  const fragment = new URLSearchParams(url.hash.slice(1));
  const code = fragment.get('code');
  return {
    code: code === null || code === '' ? null : code,
    to: keepInside(url, fragment.get('to') ?? url.searchParams.get('to')),
  };
}

/** A link must not lead from the log-in to another site, nor back to the log-in. */
function keepInside(base: URL, to: string | null): string {
  if (to === null || !to.startsWith('/') || !URL.canParse(to, base)) return '/';
  const target = new URL(to, base);
  if (target.origin !== base.origin || target.pathname.startsWith('/login')) return '/';
  return target.pathname + target.search;
}
