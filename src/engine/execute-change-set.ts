// ChangeSet → Docker: one stack deploy a step, nothing decided here. Stopped anywhere, a further reconcile ends it.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { withRegistryLogin } from '../adapters/docker/registry-login.ts';
import { SparkPlugError } from '../errors.ts';
import { type Report, step } from '../progress.ts';
import { writeComposeFolder } from '../stack/compose-folder.ts';
import { swarmName } from '../stack/hash-content.ts';
import type { SecretSource } from '../stack/render-compose.ts';
import type { StackSpec } from '../stack/stack-spec.ts';
import type { ChangeSet, ChangeStep, DeployStep, DiscardStep, DrainStep, ReplicateStep } from './change-set.ts';
import type { DeployingDocker } from './engine-docker.ts';
import { labels } from './labels.ts';
import { publishImages, type RegistryAccess } from './publish-images.ts';

export interface Execution {
  /** Where secrets come from: files for the CLI, already in Swarm for the scheduler. */
  readonly secrets: SecretSource;
  readonly report: Report;
  /** Resolves when the named services answer as they should; rejects when they never will. */
  readonly waitUntilReady: (services: readonly string[]) => Promise<void>;
  /** Resolves when no run is active and none starts before the change set is done. */
  readonly waitUntilIdle: () => Promise<void>;
  /** Resolves when the services hold nothing that others do not have; rejects when that cannot be. */
  readonly drain: (step: DrainStep) => Promise<void>;
  /** Removes what is left of DataNodes whose services are gone. */
  readonly discard: (step: DiscardStep) => Promise<void>;
  readonly replicate: (step: ReplicateStep) => Promise<void>;
  readonly signal?: AbortSignal;
  /** Of the cluster's own registry; null or absent where all run on one engine. */
  readonly registry?: RegistryAccess | null;
}

/** Carries out a change set step by step, then clears away configs and secrets that no service uses any more. */
export async function executeChangeSet(
  docker: DeployingDocker,
  changeSet: ChangeSet,
  execution: Execution,
): Promise<void> {
  for (const one of changeSet.steps) {
    execution.signal?.throwIfAborted();
    const cause = [...new Set(one.changes.map((change) => change.cause))].join('; ');
    await step(execution.report, describeStep(one), () => carryOut(docker, changeSet, one, execution), cause);
  }
  if (!changeSet.empty) await removeUnused(docker, changeSet.result);
}

async function carryOut(
  docker: DeployingDocker,
  changeSet: ChangeSet,
  one: ChangeStep,
  execution: Execution,
): Promise<void> {
  switch (one.kind) {
    case 'wait-idle':
      return await execution.waitUntilIdle();
    case 'drain':
      return await execution.drain(one);
    case 'discard':
      return await execution.discard(one);
    case 'replicate':
      return await execution.replicate(one);
    case 'publish':
      return await publishImages(one.images, { ...execution, step: describeStep(one) });
    case 'restart':
      for (const id of one.serviceIds) await docker.restartService(id);
      return await execution.waitUntilReady(one.changes.map(({ service }) => service));
    case 'deploy':
      return await deploy(docker, changeSet, one, execution);
  }
}

/** `start 10 services`, `update spark-worker-1`: how a step is called in progress and in an operation. */
export function describeStep(one: ChangeStep): string {
  if (one.kind === 'wait-idle') return 'wait until no run is active';
  if (one.kind === 'replicate') return 'replicate all files anew';
  if (one.kind === 'drain' || one.kind === 'discard') return `${one.kind} ${one.services.join(', ')}`;
  const [first, ...more] = one.changes;
  if (first !== undefined && more.length === 0) return `${first.type} ${first.service}`;
  const allNew = one.changes.every((change) => change.type === 'create');
  return `${allNew ? 'create' : 'change'} ${one.changes.length} services`;
}

async function deploy(
  docker: DeployingDocker,
  changeSet: ChangeSet,
  one: DeployStep,
  execution: Execution,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'sparkplug-stack-'));
  try {
    const composeFile = await writeComposeFolder(one.stack, folder, execution.secrets);
    const request = {
      namespace: changeSet.namespace,
      composeFile,
      cwd: dirname(composeFile),
      signal: execution.signal,
    };
    const { registry = null } = execution;
    // The machines that pull keep the log-in with the service.
    if (registry === null) await stackDeploy(docker, request);
    else await withRegistryLogin(registry.login, (dockerConfig) => stackDeploy(docker, { ...request, dockerConfig }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const changed = one.changes.filter((change) => change.type !== 'remove').map((change) => change.service);
  if (changed.length > 0) await execution.waitUntilReady(changed);
}

const deployAttempts = 3;

/**
 * Swarm refuses an update of a service that it is itself writing to (it notes there how the last update went); the
 * same deploy then succeeds a moment later.
 */
async function stackDeploy(
  docker: DeployingDocker,
  request: Parameters<DeployingDocker['stackDeploy']>[0],
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    request.signal?.throwIfAborted();
    try {
      await docker.stackDeploy(request);
      return;
    } catch (error) {
      const collided = error instanceof SparkPlugError && error.message.includes('update out of sequence');
      if (!collided || attempt === deployAttempts) throw error;
    }
  }
}

/** Old versions stay behind after a deploy, since Swarm cannot change a config or a secret. */
async function removeUnused(docker: DeployingDocker, stack: StackSpec): Promise<void> {
  const filter = { [labels.project]: stack.projectId };
  const used = new Set([
    ...stack.configs.map((config) => swarmName(stack.projectId, config.name)),
    ...stack.secrets.map((secret) => secret.swarmName),
  ]);
  const isOld = ({ name }: { readonly name: string }) => !used.has(name);
  const configs = (await docker.configs(filter)).filter(isOld);
  const secrets = (await docker.secrets(filter)).filter(isOld);
  // One that a service still holds cannot be removed yet; the next change of the cluster tries again.
  await Promise.allSettled([
    ...configs.map(({ name }) => docker.removeConfig(name)),
    ...secrets.map(({ name }) => docker.removeSecret(name)),
  ]);
}
