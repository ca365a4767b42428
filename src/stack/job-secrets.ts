// Secrets that jobs name: those they read are files in /run/secrets of drivers and workers, those that sign
// notifications are files of the scheduler alone.
import type { JobConfig } from '../config/cluster-config.ts';
import type { DesiredState } from './desired-state.ts';

/** Secrets that belong to SparkPlug itself and never reach user code, but for Spark's own. */
const ownSecrets: readonly string[] = [
  ...['spark_auth', 'control', 'web_tokens', 'web_tls_cert', 'web_tls_key'],
  ...['cluster_ca', 'registry_tls_cert', 'registry_tls_key', 'registry_htpasswd', 'registry_password'],
  ...['agent_tls_cert', 'agent_tls_key', 'agent_client_cert', 'agent_client_key'],
  'webhook_settings',
];

/** True for a secret that no job has named. */
export function isOwnSecret(name: string): boolean {
  return ownSecrets.includes(name);
}

/** Those that the jobs read. */
export function jobSecrets(desired: DesiredState): readonly string[] {
  return selectSecrets(
    desired,
    desired.config.jobs.flatMap((job) => job.secrets),
  );
}

/** Those that the scheduler signs with, and how its webhooks leave where the computer of `up` has settings for that. */
export function notifySecrets(desired: DesiredState): readonly string[] {
  const settings = desired.secrets.map(({ name }) => name).filter((name) => name === 'webhook_settings');
  return [...settings, ...selectSecrets(desired, desired.config.jobs.flatMap(signingSecrets))];
}

/** Every secret that the job names, each once, in order. */
export function namedSecrets(job: JobConfig): readonly string[] {
  return [...new Set([...job.secrets, ...signingSecrets(job)])].toSorted();
}

/** Those that sign what is told about the job's runs. */
export function signingSecrets({ onFailure, onSuccess }: JobConfig): readonly string[] {
  return [onFailure?.secret, onSuccess?.secret].filter((name) => typeof name === 'string');
}

function selectSecrets(desired: DesiredState, names: readonly string[]): readonly string[] {
  const wanted = new Set(names);
  return desired.secrets
    .map((secret) => secret.name)
    .filter((name) => wanted.has(name) && !ownSecrets.includes(name))
    .toSorted();
}
