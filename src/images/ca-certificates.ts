// Certificate authorities that this computer trusts beyond the usual ones: a proxy that inspects TLS has one of its own.
import { X509Certificate } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { readOrEmpty } from '../adapters/host/read-or-empty.ts';

/** Where programs are told to look; each names a file with one or many certificates. */
const bundleVariables = [
  'SSL_CERT_FILE',
  'REQUESTS_CA_BUNDLE',
  'PIP_CERT',
  'CURL_CA_BUNDLE',
  'NODE_EXTRA_CA_CERTS',
] as const;

/** Where systems keep theirs: Debian and Alpine, Fedora, macOS and BSD. */
const systemBundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/cert.pem',
] as const;
const localFolder = '/usr/local/share/ca-certificates';

/** PEM texts, each once, of every authority trusted here that Node does not bring along. */
export async function findExtraCertificates(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<readonly string[]> {
  const named = bundleVariables.flatMap((variable) => env[variable] ?? []);
  const files = new Set([...named, ...systemBundles, ...(await listCertificateFiles(localFolder))]);
  const texts = await Promise.all([...files].map(readOrEmpty));
  return selectExtraCertificates(texts.join('\n'), rootCertificates);
}

/** Authorities among the PEM blocks of a text whose fingerprint none of the known ones has. Expired ones are left out. */
export function selectExtraCertificates(text: string, known: readonly string[]): readonly string[] {
  const seen = new Set(known.flatMap(parseCertificate).map((certificate) => certificate.fingerprint256));
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  return blocks.flatMap((block) => {
    const [certificate] = parseCertificate(block);
    if (certificate === undefined || seen.has(certificate.fingerprint256)) return [];
    seen.add(certificate.fingerprint256);
    return certificate.ca && Date.parse(certificate.validTo) > Date.now() ? [certificate.toString()] : [];
  });
}

/** A block that is none is passed over: bundles hold all kinds of things. */
function parseCertificate(pem: string): X509Certificate[] {
  try {
    return [new X509Certificate(pem)];
  } catch {
    return [];
  }
}

async function listCertificateFiles(folder: string): Promise<readonly string[]> {
  try {
    const names = await readdir(folder, { recursive: true });
    return names.filter((name) => name.endsWith('.crt')).map((name) => join(folder, name));
  } catch {
    return [];
  }
}
