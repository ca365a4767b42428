// Certificate and key of the published port: the user's own, or one made on the spot and renewed in time.
import { readFile } from 'node:fs/promises';
import { hostname, networkInterfaces } from 'node:os';
import path from 'node:path';
import {
  type CertificateFacts,
  type CertificateFiles,
  inspectCertificate,
  makeCertificate,
} from '../adapters/certificates/certificate.ts';
import type { ClusterConfig } from '../config/cluster-config.ts';
import type { WebTrust } from '../config/project-state.ts';
import { readSecret, type SecretFile, storeTlsSecrets } from '../config/user-folder.ts';
import { SparkPlugError } from '../errors.ts';
import type { Report } from '../progress.ts';
import type { DesiredConfig } from '../stack/desired-state.ts';

const dayMs = 86_400_000;
const validMs = 2 * 365 * dayMs;
const renewBeforeMs = 30 * dayMs;

export interface PreparedTls {
  /** What the deployed port will show. */
  readonly trust: WebTrust;
  /** For `web`; none without TLS. */
  readonly secrets: readonly SecretFile[];
}

interface TlsRequest {
  readonly projectId: string;
  readonly projectDir: string;
  readonly web: DesiredConfig['web'];
  /** Of the engine's machine, null for this computer. */
  readonly host: string | null;
  readonly report: Report;
  readonly nowMs?: number;
}

/**
 * Before anything is deployed: nothing under `listen: local`; under `all` a pair that can be used, stored as secrets.
 * @throws SparkPlugError CERTIFICATE_INVALID, SECRET_MISSING, FILE_MISSING
 */
export async function prepareTls(request: TlsRequest): Promise<PreparedTls> {
  const { projectId, web } = request;
  if (web.listen === 'local') return { trust: { kind: 'plain' }, secrets: [] };
  const { files, facts } = web.tls === null ? await obtainOwn(request) : await readUsers(request, web.tls);
  // A certificate of the user's own is known by its name as well: it may be renewed without us.
  const host = web.tls === null ? null : (facts.names.find((name) => !name.includes('*')) ?? null);
  return {
    trust: { kind: 'tls', fingerprint: facts.fingerprint, host },
    secrets: await storeTlsSecrets(projectId, files),
  };
}

interface Pair {
  readonly files: CertificateFiles;
  readonly facts: CertificateFacts;
}

/** The one that is stored, unless it ends soon or is damaged; then a new one. */
async function obtainOwn({ projectId, host, report, nowMs = Date.now() }: TlsRequest): Promise<Pair> {
  const [certificate, key] = await Promise.all([
    readSecret(projectId, 'web_tls_cert'),
    readSecret(projectId, 'web_tls_key'),
  ]);
  const stored = certificate === null || key === null ? null : { certificate, key };
  const found = stored === null ? null : inspectCertificate(stored, nowMs);
  if (stored !== null && found !== null && 'facts' in found && isOurs(found.facts) && isFor(found.facts, host)) {
    if (found.facts.validTo.getTime() - nowMs >= renewBeforeMs) return { files: stored, facts: found.facts };
  }
  const files = await makeCertificate(listHosts(host), nowMs, validMs);
  const made = inspectCertificate(files, nowMs);
  if (!('facts' in made)) throw new Error(`the certificate just made cannot be used: ${made.message}`);
  const what = stored === null ? 'made a certificate' : 'renewed the certificate';
  report({ kind: 'note', text: `${what} for web, SHA-256 ${made.facts.fingerprint}` });
  return { files, facts: made.facts };
}

/** One that the user had set before lies in the same place. */
function isOurs({ names }: CertificateFacts): boolean {
  return names.includes('localhost');
}

/** One made for another machine would be shown under a name that it does not have. */
function isFor({ names, addresses }: CertificateFacts, host: string | null): boolean {
  return host === null || names.includes(host) || addresses.includes(host);
}

async function readUsers(
  { projectId, projectDir, report, nowMs = Date.now() }: TlsRequest,
  tls: NonNullable<ClusterConfig['web']['tls']>,
): Promise<Pair> {
  const key = await readSecret(projectId, tls.key);
  if (key === null) {
    throw new SparkPlugError('SECRET_MISSING', `The key of the certificate was never set: ${tls.key}.`, {
      place: 'web.tls.key',
      met: tls.key,
      hint: `sparkplug secret set ${tls.key} < key.pem`,
    });
  }
  const certificate = await readFile(path.join(projectDir, tls.certificate), 'utf8').catch((cause: unknown) => {
    throw new SparkPlugError('FILE_MISSING', 'The certificate cannot be read.', {
      place: 'web.tls.certificate',
      met: tls.certificate,
      hint: 'Put it there and make it readable, or remove `web.tls`.',
      cause,
    });
  });
  const files = { certificate, key };
  const found = inspectCertificate(files, nowMs);
  if (!('facts' in found)) {
    throw new SparkPlugError('CERTIFICATE_INVALID', found.message, {
      place: 'web.tls',
      met: tls.certificate,
      hint: found.hint,
    });
  }
  const daysLeft = Math.floor((found.facts.validTo.getTime() - nowMs) / dayMs);
  if (daysLeft < 30) report({ kind: 'warning', text: `${tls.certificate} expires in ${daysLeft} days` });
  return { files, facts: found.facts };
}

/**
 * Names and addresses under which the engine's machine may be opened: where it is elsewhere, the one by which it is
 * known. Addresses of container bridges lead nowhere from outside.
 */
function listHosts(host: string | null): readonly string[] {
  if (host !== null) return ['localhost', host, '127.0.0.1', '::1'];
  const addresses = Object.entries(networkInterfaces())
    .filter(([name]) => !/^(docker|br-|veth|cni|virbr)/.test(name))
    .flatMap(([, found = []]) => found)
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
    .map(({ address }) => address);
  return [...new Set(['localhost', hostname(), '127.0.0.1', '::1', ...addresses])];
}
