// Stacks, services and their tasks.
import { streamLogs } from './container-calls.ts';
import type { DockerClient, Resources, ServiceCalls, ServiceInspect, TaskInspect } from './docker.ts';
import { inspectMany, listIds, removeQuietly, splitLines, toFilterArgs } from './inspect-many.ts';
import { mapDockerFailure, saysMissing } from './map-docker-failure.ts';
import { dig, digLabels, digList, digNumber, digText, digTexts, toMiB } from './read-json.ts';

function readResources(value: unknown): Resources {
  return { cores: digNumber(value, 'NanoCPUs') / 1e9, memoryMiB: toMiB(digNumber(value, 'MemoryBytes')) };
}

function readReplicas(spec: unknown): number | null {
  const replicas = dig(spec, 'Mode', 'Replicated', 'Replicas');
  return typeof replicas === 'number' ? replicas : null;
}

function readService(value: unknown): ServiceInspect {
  const spec = dig(value, 'Spec');
  const template = dig(spec, 'TaskTemplate');
  return {
    id: digText(value, 'ID'),
    name: digText(spec, 'Name'),
    labels: digLabels(spec, 'Labels'),
    image: digText(template, 'ContainerSpec', 'Image'),
    constraints: digTexts(template, 'Placement', 'Constraints'),
    reservations: readResources(dig(template, 'Resources', 'Reservations')),
    limits: readResources(dig(template, 'Resources', 'Limits')),
    replicas: readReplicas(spec),
    publishedPorts: digList(spec, 'EndpointSpec', 'Ports')
      .map((port) => digNumber(port, 'PublishedPort'))
      .filter((port) => port > 0),
    updateState: digText(value, 'UpdateStatus', 'State') || null,
    createdAt: digText(value, 'CreatedAt'),
    updatedAt: digText(value, 'UpdatedAt'),
  };
}

/** The engine writes 0 for "still running" and for a clean exit alike. */
function readExitCode(status: unknown): number | null {
  const ended = ['complete', 'failed', 'rejected', 'shutdown', 'orphaned', 'remove'].includes(digText(status, 'State'));
  const code = dig(status, 'ContainerStatus', 'ExitCode');
  if (typeof code === 'number') return code;
  return ended && digText(status, 'ContainerStatus', 'ContainerID') !== '' ? 0 : null;
}

function readTask(value: unknown): TaskInspect {
  const status = dig(value, 'Status');
  const slot = digNumber(value, 'Slot');
  return {
    id: digText(value, 'ID'),
    serviceId: digText(value, 'ServiceID'),
    slot: slot === 0 ? null : slot,
    nodeId: digText(value, 'NodeID') || null,
    state: digText(status, 'State'),
    desiredState: digText(value, 'DesiredState'),
    message: digText(status, 'Message'),
    error: digText(status, 'Err') || null,
    containerId: digText(status, 'ContainerStatus', 'ContainerID') || null,
    exitCode: readExitCode(status),
    image: digText(value, 'Spec', 'ContainerSpec', 'Image'),
    labels: digLabels(value, 'Spec', 'ContainerSpec', 'Labels'),
    reservations: readResources(dig(value, 'Spec', 'Resources', 'Reservations')),
    createdAt: digText(value, 'CreatedAt'),
    stateAt: digText(status, 'Timestamp'),
  };
}

export function createServiceCalls(client: DockerClient): ServiceCalls {
  let detachKnown: Promise<boolean> | null = null;

  /** Newer clients wait for the services by default or will; older ones do not know the flag. */
  function knowsDetach(): Promise<boolean> {
    detachKnown ??= client.tryRun(['stack', 'deploy', '--help']).then(({ stdout }) => stdout.includes('--detach'));
    return detachKnown;
  }

  async function listTaskIds(serviceIds: readonly string[]): Promise<readonly string[]> {
    if (serviceIds.length === 0) return [];
    const args = ['service', 'ps', '--quiet', '--no-trunc', ...serviceIds];
    const { stdout, stderr, exitCode } = await client.tryRun(args);
    if (exitCode !== 0 && !saysMissing(stderr)) throw mapDockerFailure(args, stderr, null);
    return splitLines(stdout);
  }

  return {
    async services(filter) {
      const ids = await listIds(client, ['service', 'ls', '--quiet', ...toFilterArgs(filter)]);
      return (await inspectMany(client, ['service', 'inspect'], ids)).map(readService);
    },

    async tasks(serviceIds) {
      const found = await inspectMany(client, ['inspect', '--type', 'task'], await listTaskIds(serviceIds));
      return found.map(readTask).sort((a, b) => b.createdAt.localeCompare(a.createdAt));
    },

    taskLogs: (id, options = {}) => streamLogs(client, ['service', 'logs', '--raw'], id, options),

    async stackDeploy({ namespace, composeFile, cwd, signal, dockerConfig }) {
      const detach = (await knowsDetach()) ? ['--detach=true'] : [];
      const auth = dockerConfig === undefined ? [] : ['--with-registry-auth'];
      await client.run(
        [
          ...['stack', 'deploy', '--compose-file', composeFile, '--prune', '--resolve-image', 'never'],
          ...[...auth, ...detach, namespace],
        ],
        {
          signal,
          ...(cwd === undefined ? {} : { cwd }),
          ...(dockerConfig === undefined ? {} : { env: { DOCKER_CONFIG: dockerConfig } }),
        },
      );
    },

    stackRemove: (namespace) => removeQuietly(client, ['stack', 'rm', namespace]),

    removeService: (nameOrId) => removeQuietly(client, ['service', 'rm', nameOrId]),

    restartService: async (nameOrId) => {
      await client.run(['service', 'update', '--force', '--detach', '--quiet', '--no-resolve-image', nameOrId]);
    },
  };
}
