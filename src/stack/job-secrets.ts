// Secrets of the user's jobs: files in /run/secrets of drivers and workers alike.
import type { DesiredState } from './desired-state.ts';

/** Secrets that belong to SparkPlug itself and never reach user code, but for Spark's own. */
const ownSecrets: readonly string[] = ['spark_auth', 'control', 'web_tokens'];

export function jobSecrets(desired: DesiredState): readonly string[] {
  const wanted = new Set(desired.config.jobs.flatMap((job) => job.secrets));
  return desired.secrets
    .map((secret) => secret.name)
    .filter((name) => wanted.has(name) && !ownSecrets.includes(name))
    .toSorted();
}
