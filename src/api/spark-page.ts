// What a browser may do with a page of Spark, and the links in it that Spark itself gets wrong behind a proxy.
import { Transform } from 'node:stream';

/**
 * A running driver's pages are made by user code, on the dashboard's own origin. They may show themselves and ask below
 * /spark/; requests to the API, windows, frames and workers, by which they could act as the visitor, are refused.
 */
export function sparkContentPolicy(host: string | undefined): string {
  // As a source: without a scheme it means the page's own.
  const own = host !== undefined && /^[A-Za-z0-9.-]+(?::\d+)?$/.test(host) ? `${host}/spark/` : "'none'";
  return [
    "default-src 'none'",
    `script-src 'unsafe-inline' ${own}`,
    `style-src 'unsafe-inline' ${own}`,
    `img-src data: ${own}`,
    `font-src data: ${own}`,
    `connect-src ${own}`,
    `form-action ${own}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
    'sandbox allow-scripts allow-same-origin allow-forms allow-downloads',
  ].join('; ');
}

const longestTagBytes = 64 * 1024;

/** Puts `prefix` before absolute links that lack it: some of the master's pages forget it. Works on bytes of any encoding. */
export function completeLinks(prefix: string): Transform {
  let rest = '';
  const complete = (text: string): string =>
    text.replace(
      /(?<![-\w])((?:href|src|action)=["'])\/(?!\/|spark\/)/g,
      (_, attribute: string) => `${attribute}${prefix}/`,
    );
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const text = rest + chunk.toString('latin1');
      // An attribute must not be torn apart: what begins with the last tag waits for the next piece.
      const tag = text.lastIndexOf('<');
      const cut = tag >= 0 && text.length - tag < longestTagBytes ? tag : text.length;
      rest = text.slice(cut);
      done(null, Buffer.from(complete(text.slice(0, cut)), 'latin1'));
    },
    flush(done) {
      done(null, Buffer.from(complete(rest), 'latin1'));
    },
  });
}

/**
 * A redirect of the component as a path of ours; null for one that leads elsewhere.
 * @param location absolute or relative, as the component at `origin` answered it for `path`
 */
export function rewriteLocation(location: string, origin: string, path: string, prefix: string): string | null {
  const base = `${origin}${path}`;
  if (!URL.canParse(location, base)) return null;
  const target = new URL(location, base);
  if (target.origin !== new URL(origin).origin) return null;
  const below = target.pathname.startsWith(`${prefix}/`) ? target.pathname : prefix + target.pathname;
  return below + target.search + target.hash;
}
