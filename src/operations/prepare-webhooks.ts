// Webhooks leave from the scheduler's container: it is given this computer's way out, its authorities and its proxies.
import type { WebhookSettings } from '../adapters/webhook/webhook-settings.ts';
import type { ClusterConfig } from '../config/cluster-config.ts';
import { largestSecretBytes, type SecretFile, storeWebhookSettings } from '../config/user-folder.ts';
import { findExtraCertificates } from '../images/ca-certificates.ts';
import { readProxies } from '../images/host-settings.ts';
import type { Report } from '../progress.ts';

interface WebhookRequest {
  readonly projectId: string;
  readonly config: Pick<ClusterConfig, 'jobs'>;
  readonly report: Report;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * Stores the settings as a secret, since a proxy's address may hold a password; none where no job tells anybody
 * anything, or where this computer has nothing of its own.
 */
export async function prepareWebhooks(request: WebhookRequest): Promise<readonly SecretFile[]> {
  const { projectId, config, report, env = process.env } = request;
  const tells = config.jobs.some(({ onFailure, onSuccess }) => (onFailure ?? onSuccess ?? null) !== null);
  if (!tells) return await storeWebhookSettings(projectId, null);
  const proxies = chooseProxies(env, report);
  const certificates = await findExtraCertificates(env);
  const text = JSON.stringify({ certificates, ...proxies } satisfies WebhookSettings);
  const isPlain = certificates.length === 0 && proxies.httpProxy === null && proxies.httpsProxy === null;
  if (text.length <= largestSecretBytes) return await storeWebhookSettings(projectId, isPlain ? null : text);
  const count = `${certificates.length} certificates beyond the usual ones`;
  report({ kind: 'warning', text: `webhooks go without the authorities of this computer: ${count} are too many` });
  return await storeWebhookSettings(projectId, JSON.stringify({ certificates: [], ...proxies }));
}

/** As curl reads the variables; what the scheduler cannot use is left out with a warning. */
function chooseProxies(
  env: Readonly<Record<string, string | undefined>>,
  report: Report,
): Omit<WebhookSettings, 'certificates'> {
  const found = readProxies(env);
  const choose = (variable: string): string | null => {
    const [name, value] = found[variable] ? [variable, found[variable]] : ['all_proxy', found.all_proxy];
    if (!value) return null;
    const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`;
    const problem = explainUnusable(address);
    if (problem === null) return address;
    report({ kind: 'warning', text: `webhooks do not use ${name}: ${problem}` });
    return null;
  };
  return { httpProxy: choose('http_proxy'), httpsProxy: choose('https_proxy'), noProxy: found.no_proxy ?? '' };
}

/** Never with the address: it may hold a password. */
function explainUnusable(address: string): string | null {
  if (!URL.canParse(address)) return 'it is no address';
  const { protocol, hostname } = new URL(address);
  if (protocol !== 'http:' && protocol !== 'https:') return `${protocol}// is no proxy for HTTP`;
  const isOwn = hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
  return isOwn
    ? `${hostname} is another place in the scheduler's container; name it by an address of this computer`
    : null;
}
