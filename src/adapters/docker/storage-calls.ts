// What a stack keeps in the engine besides services: volumes, networks, configs, secrets.
import type { DockerClient, LabelFilter, Labels, NetworkInspect, StorageCalls, StorageItem } from './docker.ts';
import { inspectMany, listIds, removeQuietly, toFilterArgs, toLabelArgs } from './inspect-many.ts';
import { mapDockerFailure, saysExists } from './map-docker-failure.ts';
import { digLabels, digList, digText } from './read-json.ts';

function readVolume(value: unknown): StorageItem {
  return { id: digText(value, 'Name'), name: digText(value, 'Name'), labels: digLabels(value, 'Labels') };
}

function readNetwork(value: unknown): NetworkInspect {
  return {
    id: digText(value, 'Id'),
    name: digText(value, 'Name'),
    labels: digLabels(value, 'Labels'),
    driver: digText(value, 'Driver'),
    scope: digText(value, 'Scope'),
    subnets: digList(value, 'IPAM', 'Config')
      .map((entry) => digText(entry, 'Subnet'))
      .filter((subnet) => subnet !== ''),
  };
}

/** Configs and secrets have the same form. */
function readSwarmItem(value: unknown): StorageItem {
  return { id: digText(value, 'ID'), name: digText(value, 'Spec', 'Name'), labels: digLabels(value, 'Spec', 'Labels') };
}

export function createStorageCalls(client: DockerClient): StorageCalls {
  async function list<T>(kind: string, filter: LabelFilter, read: (value: unknown) => T): Promise<readonly T[]> {
    const ids = await listIds(client, [kind, 'ls', '--quiet', ...toFilterArgs(filter)]);
    return (await inspectMany(client, [kind, 'inspect'], ids)).map(read);
  }

  async function createItem(kind: 'config' | 'secret', name: string, content: string, labels: Labels): Promise<void> {
    const args = [kind, 'create', ...toLabelArgs(labels), name, '-'];
    const { exitCode, stderr } = await client.tryRun(args, { input: content });
    if (exitCode !== 0 && !saysExists(stderr)) throw mapDockerFailure(args, stderr, null);
  }

  return {
    volumes: (filter) => list('volume', filter, readVolume),
    removeVolume: (name) => removeQuietly(client, ['volume', 'rm', name]),
    networks: (filter) => list('network', filter, readNetwork),
    removeNetwork: (nameOrId) => removeQuietly(client, ['network', 'rm', nameOrId]),
    async networkSubnets() {
      return (await list('network', {}, readNetwork)).flatMap((network) => network.subnets);
    },
    configs: (filter) => list('config', filter, readSwarmItem),
    createConfig: (name, content, labels) => createItem('config', name, content, labels),
    removeConfig: (nameOrId) => removeQuietly(client, ['config', 'rm', nameOrId]),
    secrets: (filter) => list('secret', filter, readSwarmItem),
    createSecret: (name, content, labels) => createItem('secret', name, content, labels),
    removeSecret: (nameOrId) => removeQuietly(client, ['secret', 'rm', nameOrId]),
  };
}
