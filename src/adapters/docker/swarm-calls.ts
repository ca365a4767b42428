// The Swarm itself and its nodes.
import type { DockerClient, SwarmCalls, SwarmNode } from './docker.ts';
import { inspectMany, splitLines } from './inspect-many.ts';
import { digLabels, digNumber, digText, toMiB } from './read-json.ts';

function readNode(value: unknown): SwarmNode {
  return {
    id: digText(value, 'ID'),
    hostname: digText(value, 'Description', 'Hostname'),
    cores: Math.floor(digNumber(value, 'Description', 'Resources', 'NanoCPUs') / 1e9),
    memoryMiB: toMiB(digNumber(value, 'Description', 'Resources', 'MemoryBytes')),
    labels: digLabels(value, 'Spec', 'Labels'),
    engineLabels: digLabels(value, 'Description', 'Engine', 'Labels'),
    manager: digText(value, 'Spec', 'Role') === 'manager',
    ready: digText(value, 'Status', 'State') === 'ready',
    active: digText(value, 'Spec', 'Availability') === 'active',
  };
}

export function createSwarmCalls(client: DockerClient): SwarmCalls {
  return {
    async swarmInit(request) {
      const pool =
        request.addressPool === null
          ? []
          : [
              '--default-addr-pool',
              request.addressPool,
              '--default-addr-pool-mask-length',
              `${request.addressPoolSize}`,
            ];
      await client.run([
        ...['swarm', 'init', '--advertise-addr', request.advertiseAddress, '--listen-addr', request.listenAddress],
        ...['--task-history-limit', `${request.taskHistoryLimit}`],
        ...pool,
      ]);
    },

    async swarmLeave() {
      await client.run(['swarm', 'leave', '--force']);
    },

    async nodes() {
      const ids = await client.run(['node', 'ls', '--quiet']);
      return (await inspectMany(client, ['node', 'inspect'], splitLines(ids))).map(readNode);
    },

    async labelNode(nodeId, labels) {
      const args = Object.entries(labels).flatMap(([label, value]) => ['--label-add', `${label}=${value}`]);
      await client.run(['node', 'update', ...args, nodeId]);
    },

    async removeNode(nodeId) {
      await client.run(['node', 'rm', '--force', nodeId]);
    },
  };
}
