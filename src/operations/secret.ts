// Use cases `secret …`: values in the user's folder, and in the cluster as soon as there is one that needs them.
import {
  listSecrets as listSecretFiles,
  removeSecret as removeSecretFile,
  setSecret as setSecretFile,
} from '../config/user-folder.ts';
import { SparkPlugError } from '../errors.ts';
import type { Report } from '../progress.ts';
import type { DesiredState } from '../stack/desired-state.ts';
import { swarmName } from '../stack/hash-content.ts';
import { namedSecrets } from '../stack/job-secrets.ts';
import { createProjectClient } from './cluster-access.ts';
import { ensureProjectState, type OpenedProject, openProject, type ProjectChoice } from './open-project.ts';
import { submit } from './up.ts';

export interface SecretSummary {
  readonly name: string;
  /** False: a job asks for it and there is no value yet. */
  readonly set: boolean;
  readonly jobs: readonly string[];
}

export interface SecretChange {
  readonly name: string;
  readonly changed: boolean;
  /** A running cluster was given the new value. */
  readonly applied: boolean;
}

/** Stores a value, replacing an earlier one; a running cluster whose jobs read it gets it at once. */
export async function setSecret(
  choice: ProjectChoice,
  name: string,
  value: Buffer,
  options: { readonly report: Report; readonly signal: AbortSignal },
): Promise<SecretChange> {
  const project = await openProject(choice);
  const state = await ensureProjectState(project);
  const before = (await listSecretFiles(state.id)).find((secret) => secret.name === name);
  const { hash } = await setSecretFile(state.id, name, value);
  const applied = await applySecret({ ...project, state }, name, swarmName(state.id, name, hash), options);
  return { name, changed: before?.hash !== hash, applied };
}

/** Names that are set or asked for. */
export async function listSecrets(choice: ProjectChoice): Promise<readonly SecretSummary[]> {
  const { config, state } = await openProject(choice);
  const set = new Set(state === null ? [] : (await listSecretFiles(state.id)).map(({ name }) => name));
  const asked = [...config.jobs.flatMap(namedSecrets), ...(config.web.tls === null ? [] : [config.web.tls.key])];
  return [...new Set([...set, ...asked])].toSorted().map((name) => ({
    name,
    set: set.has(name),
    jobs: config.jobs.filter((job) => namedSecrets(job).includes(name)).map((job) => job.name),
  }));
}

/** Forgets a value; the cluster keeps the one it has until the next `up` without a job that reads it. */
export async function removeSecret(
  choice: ProjectChoice,
  name: string,
): Promise<{ readonly name: string; readonly removed: boolean }> {
  const { state } = await openProject(choice);
  return { name, removed: state !== null && (await removeSecretFile(state.id, name)) };
}

/** A new revision that differs in this secret alone, where the cluster has an older value of it. */
async function applySecret(
  project: OpenedProject,
  name: string,
  wanted: string,
  options: { readonly report: Report; readonly signal: AbortSignal },
): Promise<boolean> {
  const api = await createProjectClient(project);
  if (api === null) return false;
  const current = await api.desiredState(options).catch((error: unknown) => {
    // No cluster now: the next `up` brings the value.
    if (error instanceof SparkPlugError && error.exitCode === 3) return null;
    throw error;
  });
  const old = current?.desired.secrets.find((secret) => secret.name === name);
  if (current === null || old === undefined || old.swarmName === wanted) return false;
  const secrets = current.desired.secrets.map((secret) => (secret === old ? { name, swarmName: wanted } : secret));
  const desired: DesiredState = { ...current.desired, secrets };
  await submit(project, desired, api, { ...options, now: false });
  return true;
}
