// What several machines trust each other by: an authority of the cluster's own, certificates of registry, agents and
// scheduler, and the registry's password. Made on the spot, kept in the user's folder, renewed in time.
import { randomBytes } from 'node:crypto';
import bcrypt from 'bcryptjs';
import {
  type CertificateFiles,
  type CertificateUse,
  inspectCertificate,
  isIssuedFor,
  issueCertificate,
  makeAuthority,
} from '../adapters/certificates/certificate.ts';
import { authorityKey } from '../config/secret-names.ts';
import { readSecret, type SecretFile, storeFleetSecrets } from '../config/user-folder.ts';
import { agentHost, registryHost, registryUser, schedulerHost } from './fleet-names.ts';

const dayMs = 86_400_000;
const authorityValidMs = 10 * 365 * dayMs;
const validMs = 2 * 365 * dayMs;
const renewBeforeMs = 30 * dayMs;
/** An authority is renewed while everything that it vouches for anew still ends before it. */
const renewAuthorityBeforeMs = validMs + renewBeforeMs;
/** The registry hashes anew for each of the hundreds of requests of a push; 256 random bits need no slow hash. */
const bcryptCost = 5;

export interface PreparedRegistry {
  /** PEM. */
  readonly caCertificate: string;
  readonly password: string;
  readonly secrets: readonly SecretFile[];
}

/**
 * Makes whatever is missing, damaged, about to end or for another address; keeps the rest.
 * @param address `IP:PORT` of the registry as the machines reach it
 * @throws SparkPlugError USER_FOLDER_UNUSABLE
 */
export async function prepareRegistry(
  projectId: string,
  address: string,
  nowMs = Date.now(),
): Promise<PreparedRegistry> {
  const authority = await obtainAuthority(projectId, nowMs);
  const host = address.slice(0, address.lastIndexOf(':'));
  const obtain = (names: readonly [string, string], hosts: readonly [string, ...string[]], use: CertificateUse) =>
    obtainCertificate({ projectId, authority, names, hosts, use, nowMs });
  const [registry, agent, client, passwords] = await Promise.all([
    obtain(['registry_tls_cert', 'registry_tls_key'], [host, registryHost], 'server'),
    obtain(['agent_tls_cert', 'agent_tls_key'], [agentHost], 'server'),
    obtain(['agent_client_cert', 'agent_client_key'], [schedulerHost], 'client'),
    obtainPassword(projectId),
  ]);
  const secrets = await storeFleetSecrets(projectId, {
    cluster_ca: authority.certificate,
    [authorityKey]: authority.key,
    registry_tls_cert: registry.certificate,
    registry_tls_key: registry.key,
    registry_htpasswd: passwords.htpasswd,
    registry_password: passwords.password,
    agent_tls_cert: agent.certificate,
    agent_tls_key: agent.key,
    agent_client_cert: client.certificate,
    agent_client_key: client.key,
  });
  return { caCertificate: authority.certificate, password: passwords.password, secrets };
}

async function obtainAuthority(projectId: string, nowMs: number): Promise<CertificateFiles> {
  const stored = await readPair(projectId, ['cluster_ca', authorityKey]);
  if (stored !== null && endsAfter(stored, nowMs + renewAuthorityBeforeMs, nowMs)) return stored;
  return await makeAuthority(`SparkPlug ${projectId}`, { nowMs, validMs: authorityValidMs });
}

async function obtainCertificate({
  projectId,
  authority,
  names,
  hosts,
  use,
  nowMs,
}: {
  readonly projectId: string;
  readonly authority: CertificateFiles;
  readonly names: readonly [certificate: string, key: string];
  readonly hosts: readonly [string, ...string[]];
  readonly use: CertificateUse;
  readonly nowMs: number;
}): Promise<CertificateFiles> {
  const stored = await readPair(projectId, names);
  const isGood = (pair: CertificateFiles): boolean =>
    endsAfter(pair, nowMs + renewBeforeMs, nowMs) && hosts.every((host) => isIssuedFor(pair, authority, host, use));
  if (stored !== null && isGood(stored)) return stored;
  return await issueCertificate(authority, hosts, { use, nowMs, validMs });
}

/** False also for a pair that cannot be used. */
function endsAfter(pair: CertificateFiles, timeMs: number, nowMs: number): boolean {
  const found = inspectCertificate(pair, nowMs);
  return 'facts' in found && found.facts.validTo.getTime() >= timeMs;
}

async function readPair(
  projectId: string,
  [certificateName, keyName]: readonly [string, string],
): Promise<CertificateFiles | null> {
  const [certificate, key] = await Promise.all([
    readSecret(projectId, certificateName),
    readSecret(projectId, keyName),
  ]);
  return certificate === null || key === null ? null : { certificate, key };
}

/** The hash holds a salt, so it is kept: another one would restart the registry. */
async function obtainPassword(projectId: string): Promise<{ readonly password: string; readonly htpasswd: string }> {
  const [stored, storedHash] = await Promise.all([
    readSecret(projectId, 'registry_password'),
    readSecret(projectId, 'registry_htpasswd'),
  ]);
  const password = stored ?? randomBytes(32).toString('base64url');
  const [, hash = ''] = /^sparkplug:(\S+)\s*$/.exec(storedHash ?? '') ?? [];
  if (storedHash !== null && (await bcrypt.compare(password, hash))) return { password, htpasswd: storedHash };
  // Go's implementation and Apache's tool know `$2y$`; what is hashed is the same.
  const made = (await bcrypt.hash(password, bcryptCost)).replace(/^\$2b\$/, '$2y$');
  return { password, htpasswd: `${registryUser}:${made}\n` };
}
