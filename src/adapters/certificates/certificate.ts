// Certificates for TLS: made on the spot, and read with what is wrong with them.
import { createPrivateKey, randomBytes, webcrypto, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

/** PEM texts. */
export interface CertificateFiles {
  /** The certificate itself first, then those of the authorities between. */
  readonly certificate: string;
  readonly key: string;
}

export interface CertificateFacts {
  /** SHA-256 over the certificate, hexadecimal in pairs with colons: as browsers show it. */
  readonly fingerprint: string;
  readonly validFrom: Date;
  readonly validTo: Date;
  /** DNS names it is for, as they stand in it. */
  readonly names: readonly string[];
  /** IP addresses it is for. */
  readonly addresses: readonly string[];
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const serverAuthentication = '1.3.6.1.5.5.7.3.1';
const clientAuthentication = '1.3.6.1.5.5.7.3.2';
/** A browser's clock may be behind a little. */
const clockSkewMs = 3_600_000;

/** What a certificate is for: `server` proves a host, `client` a caller. */
export type CertificateUse = 'server' | 'client';

interface Validity {
  readonly nowMs: number;
  readonly validMs: number;
}

/** A certificate that vouches for itself, with a key of its own (EC P-256). @param hosts DNS names and IP addresses */
export async function makeCertificate(
  hosts: readonly string[],
  nowMs: number,
  validMs: number,
  use: CertificateUse = 'server',
): Promise<CertificateFiles> {
  const x509 = await loadX509();
  const keys = await makeKeys();
  const frame = { ...describeFrame({ nowMs, validMs }), name: 'CN=SparkPlug', keys };
  const extensions = await listExtensions(hosts, use);
  return writeFiles(await x509.X509CertificateGenerator.createSelfSigned({ ...frame, extensions }, webcrypto), keys);
}

/** An authority whose only use is to vouch for others; none may stand between. */
export async function makeAuthority(name: string, { nowMs, validMs }: Validity): Promise<CertificateFiles> {
  const x509 = await loadX509();
  const keys = await makeKeys();
  const frame = { ...describeFrame({ nowMs, validMs }), name: `CN=${name}`, keys };
  const extensions = [
    new x509.BasicConstraintsExtension(true, 0, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
  ];
  return writeFiles(await x509.X509CertificateGenerator.createSelfSigned({ ...frame, extensions }, webcrypto), keys);
}

/** A certificate for `hosts` (DNS names and IP addresses) that `authority` vouches for, with a key of its own. */
export async function issueCertificate(
  authority: CertificateFiles,
  hosts: readonly string[],
  { use, nowMs, validMs }: Validity & { readonly use: CertificateUse },
): Promise<CertificateFiles> {
  const x509 = await loadX509();
  const [keys, signingKey] = await Promise.all([makeKeys(), readSigningKey(authority)]);
  const certificate = await x509.X509CertificateGenerator.create(
    {
      ...describeFrame({ nowMs, validMs }),
      subject: `CN=${hosts[0] ?? 'SparkPlug'}`,
      issuer: new x509.X509Certificate(authority.certificate).subject,
      publicKey: keys.publicKey,
      signingKey,
      extensions: await listExtensions(hosts, use),
    },
    webcrypto,
  );
  return writeFiles(certificate, keys);
}

/** True for a pair that `authority` vouches for, for just this host and use. */
export function isIssuedFor(
  { certificate }: CertificateFiles,
  authority: CertificateFiles,
  host: string,
  use: CertificateUse,
): boolean {
  return (
    attempt(() => {
      const [parsed, issuer] = [new X509Certificate(certificate), new X509Certificate(authority.certificate)];
      const matches = isIP(host) === 0 ? parsed.checkHost(host) : parsed.checkIP(host);
      const usage = use === 'server' ? serverAuthentication : clientAuthentication;
      return matches !== undefined && parsed.keyUsage?.includes(usage) === true && parsed.verify(issuer.publicKey);
    }) === true
  );
}

/** Loaded only where certificates are made: it is large, and needs this polyfill before it. */
async function loadX509() {
  await import('reflect-metadata');
  return await import('@peculiar/x509');
}

function makeKeys() {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

async function readSigningKey({ key }: CertificateFiles) {
  const der = createPrivateKey(key).export({ format: 'der', type: 'pkcs8' });
  return await webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
}

function describeFrame({ nowMs, validMs }: Validity) {
  return {
    // Positive, as RFC 5280 wants it.
    serialNumber: `01${randomBytes(15).toString('hex')}`,
    notBefore: new Date(nowMs - clockSkewMs),
    notAfter: new Date(nowMs + validMs),
    signingAlgorithm: algorithm,
  };
}

async function listExtensions(hosts: readonly string[], use: CertificateUse) {
  const x509 = await loadX509();
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([use === 'server' ? serverAuthentication : clientAuthentication]),
    new x509.SubjectAlternativeNameExtension(
      hosts.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value })),
    ),
  ];
}

async function writeFiles(
  certificate: { toString(format: 'pem'): string },
  keys: Awaited<ReturnType<typeof makeKeys>>,
): Promise<CertificateFiles> {
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  return {
    certificate: `${certificate.toString('pem')}\n`,
    key: String(createPrivateKey({ key, format: 'der', type: 'pkcs8' }).export({ format: 'pem', type: 'pkcs8' })),
  };
}

/** What is wrong with a pair, in a sentence and with its fix; or the facts about it. */
export type Inspection = { readonly facts: CertificateFacts } | { readonly message: string; readonly hint: string };

export function inspectCertificate({ certificate, key }: CertificateFiles, nowMs: number): Inspection {
  const parsed = attempt(() => new X509Certificate(certificate));
  if (parsed === null) {
    return {
      message: 'The file holds no certificate.',
      hint: 'It is text that begins with `-----BEGIN CERTIFICATE-----`.',
    };
  }
  if (/^-----BEGIN ENCRYPTED |^Proc-Type: .*ENCRYPTED/m.test(key)) {
    return {
      message: 'The key is protected by a passphrase.',
      hint: 'Remove it: `openssl pkey -in key.pem -out plain.pem`.',
    };
  }
  const privateKey = attempt(() => createPrivateKey(key));
  if (privateKey === null) {
    return {
      message: 'The secret holds no private key.',
      hint: 'It is text that begins with `-----BEGIN PRIVATE KEY-----`.',
    };
  }
  if (!parsed.checkPrivateKey(privateKey)) {
    return {
      message: 'Certificate and key do not belong together.',
      hint: 'Name the key that the certificate was made for; the certificate itself stands first in its file.',
    };
  }
  const facts = describe(parsed);
  if (facts.validTo.getTime() <= nowMs) {
    return { message: `The certificate expired on ${dayOf(facts.validTo)}.`, hint: 'Renew it.' };
  }
  if (facts.validFrom.getTime() > nowMs) {
    return {
      message: `The certificate is valid from ${dayOf(facts.validFrom)} on only.`,
      hint: 'Wait, correct the clock of this computer, or take another one.',
    };
  }
  return { facts };
}

function describe(parsed: X509Certificate): CertificateFacts {
  const names = [...(parsed.subjectAltName ?? '').matchAll(/DNS:("?)([^",]+)\1/g)].map(([, , name = '']) => name);
  return {
    fingerprint: parsed.fingerprint256,
    validFrom: parsed.validFromDate,
    validTo: parsed.validToDate,
    names,
    addresses: [...(parsed.subjectAltName ?? '').matchAll(/IP Address:([0-9A-Fa-f.:]+)/g)].map(([, ip = '']) => ip),
  };
}

function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}

function attempt<T>(work: () => T): T | null {
  try {
    return work();
  } catch {
    return null;
  }
}
