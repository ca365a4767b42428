// One POST to an address of the user's: short, without redirects, the answer's body thrown away.
import { rootCertificates } from 'node:tls';
import { type Dispatcher, EnvHttpProxyAgent, request } from 'undici';
import { formatDuration } from '../../units.ts';
import type { WebhookSettings } from './webhook-settings.ts';

export interface WebhookPost {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** `silent`: no answer, with the reason in a few words. */
export type WebhookAnswer =
  | { readonly kind: 'answered'; readonly status: number; readonly retryAfterMs: number | null }
  | { readonly kind: 'silent'; readonly reason: string };

/** Of an answer's body this much is read, so that the connection can be used again; a longer one is cut off. */
const readBytes = 16 * 1024;

/** Never throws but when `signal` aborts: then its reason. `timeoutMs` is for the whole exchange. */
export type PostWebhook = (
  post: WebhookPost,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
) => Promise<WebhookAnswer>;

/** Posts by the settings' proxies, trusting their authorities besides the usual ones. */
export function createPostWebhook(settings: WebhookSettings): PostWebhook {
  const { certificates, httpProxy, httpsProxy, noProxy } = settings;
  // A list of one's own replaces the usual one.
  const tls = certificates.length === 0 ? {} : { ca: [...rootCertificates, ...certificates] };
  // Empty texts: this process's own environment is not asked.
  const createAgent = (proxies: { readonly httpProxy: string; readonly httpsProxy: string }): Dispatcher =>
    new EnvHttpProxyAgent({
      ...proxies,
      noProxy,
      connect: tls,
      requestTls: tls,
      proxyTls: tls,
      // Proxies pass plain HTTP on as it is; a tunnel to port 80 many refuse.
      proxyTunnel: false,
    });
  // One for each: undici takes the proxy of HTTP for HTTPS as well where that has none, unlike curl and pip.
  const plain = createAgent({ httpProxy: httpProxy ?? '', httpsProxy: '' });
  const secure = createAgent({ httpProxy: '', httpsProxy: httpsProxy ?? '' });
  return (post, options) => send(new URL(post.url).protocol === 'https:' ? secure : plain, post, options);
}

async function send(
  dispatcher: Dispatcher,
  { url, headers, body }: WebhookPost,
  options: Parameters<PostWebhook>[1],
): Promise<WebhookAnswer> {
  const limit = AbortSignal.timeout(options.timeoutMs);
  const signal = AbortSignal.any([limit, options.signal]);
  try {
    const answer = await request(url, { dispatcher, method: 'POST', headers, body, signal });
    // The status says it all: what is wrong with the body is the receiver's concern.
    await answer.body.dump({ limit: readBytes, signal }).catch(() => undefined);
    options.signal.throwIfAborted();
    return { kind: 'answered', status: answer.statusCode, retryAfterMs: readRetryAfter(answer.headers['retry-after']) };
  } catch (error) {
    options.signal.throwIfAborted();
    return {
      kind: 'silent',
      reason: limit.aborted ? `no answer within ${formatDuration(options.timeoutMs)}` : explain(error),
    };
  }
}

/** The number of seconds; the form with a date is left out, since it needs both clocks to agree. */
function readRetryAfter(value: string | string[] | undefined): number | null {
  return typeof value === 'string' && /^\d{1,6}$/.test(value) ? Number(value) * 1000 : null;
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return error.message || code || error.name;
}
