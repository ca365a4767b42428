// Where a request says it comes from: the checks against pages of other sites that use a visitor's browser.
import ipaddr from 'ipaddr.js';
import { SparkPlugError } from '../errors.ts';

type Headers = Readonly<Partial<Record<'origin' | 'host' | 'sec-fetch-site', string | string[] | undefined>>>;

const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * For a request that a browser vouches for by its cookie: one that may change something must come from our own page.
 * Browsers send `Origin` with each of these; a program that sends neither header has a token to send instead.
 * @throws SparkPlugError ORIGIN_REFUSED
 */
export function requireSameOrigin(method: string, headers: Headers, tls: boolean): void {
  if (safeMethods.has(method)) return;
  if (headers.origin === undefined && headers['sec-fetch-site'] === undefined) throw refused('no Origin');
  refuseOtherOrigin(headers, tls);
}

/** What the headers do say must be our own origin; a program may send none of them. @throws SparkPlugError ORIGIN_REFUSED */
export function refuseOtherOrigin(headers: Headers, tls: boolean): void {
  const { origin, host, 'sec-fetch-site': site } = headers;
  if (site !== undefined && site !== 'same-origin') throw refused(`Sec-Fetch-Site: ${String(site).slice(0, 40)}`);
  if (origin !== undefined && !isOwnOrigin(String(origin), host, tls)) {
    throw refused(`Origin: ${String(origin).slice(0, 200)}`);
  }
}

/** Without TLS of our own something in front of us may have it, so only with TLS the scheme must fit. */
function isOwnOrigin(origin: string, host: Headers['host'], tls: boolean): boolean {
  if (typeof host !== 'string' || !URL.canParse(origin)) return false;
  const { protocol, host: authority } = new URL(origin);
  const ownUrl = `${protocol}//${host}`;
  if (!URL.canParse(ownUrl) || new URL(ownUrl).host !== authority) return false;
  return protocol === 'https:' || (protocol === 'http:' && !tls);
}

/**
 * With `listen: local`: the name that was asked for is one of this computer's. A page whose name is made to point here
 * (DNS rebinding) still carries its own name. Programs that send none, as health probes, are no browsers.
 * @throws SparkPlugError HOST_REFUSED
 */
export function requireLocalHost(host: string | undefined, ownAddresses: ReadonlySet<string>): void {
  if (host === undefined) return;
  const url = `http://${host}`;
  const name = URL.canParse(url) ? new URL(url).hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '') : '';
  if (name === 'localhost' || name.endsWith('.localhost')) return;
  if (ipaddr.isValid(name)) {
    const address = ipaddr.process(name);
    if (address.range() === 'loopback' || ownAddresses.has(address.toString())) return;
  }
  throw new SparkPlugError('HOST_REFUSED', 'this project is reached under the names of its own computer only', {
    met: host.slice(0, 200),
    hint: 'open it as http://127.0.0.1:<port> or http://localhost:<port>; for other names set `web: { listen: all }`',
  });
}

function refused(met: string): SparkPlugError {
  return new SparkPlugError(
    'ORIGIN_REFUSED',
    'a log-in of a browser counts only for requests of the dashboard itself',
    {
      met,
      hint: 'programs send `Authorization: Bearer <token>`; a page of another site cannot use the log-in',
    },
  );
}
