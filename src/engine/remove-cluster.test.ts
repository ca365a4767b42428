import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleContainer, exampleService } from '../../test/fixtures/docker-objects.ts';
import type { ContainerInspect, ServiceInspect } from '../adapters/docker/docker.ts';
import { SparkPlugError } from '../errors.ts';
import { labels } from './labels.ts';
import { removeCluster } from './remove-cluster.ts';

const service = exampleService({
  labels: { [labels.project]: 'demo-a1b2c3', [labels.service]: 'web', 'com.docker.stack.namespace': 'x' },
});

type Kind = 'network' | 'config' | 'secret' | 'volume';

/** An engine in which a container stays for one look longer and holds the volume for as long. */
function fakeEngine(content: Record<Kind, string[]>, options: { readonly services: readonly ServiceInspect[] }) {
  const calls: string[] = [];
  let looks = options.services.length;
  const list = (kind: Kind) => async () => content[kind].map((name) => ({ id: name, name, labels: {} }));
  const remove = (kind: Kind) => async (name: string) => {
    calls.push(`remove ${kind} ${name}`);
    if (name.startsWith('held')) throw new SparkPlugError('DOCKER_FAILED', `${kind} in use`);
    content[kind] = content[kind].filter((one) => one !== name);
  };
  const docker = {
    services: async () => options.services,
    tasks: async () => [],
    stackRemove: async (namespace: string) => void calls.push(`remove stack ${namespace}`),
    containers: async (): Promise<ContainerInspect[]> => {
      looks -= 1;
      return looks < 0 ? [] : [exampleContainer()];
    },
    networks: async () =>
      (await list('network')()).map((one) => ({ ...one, driver: 'overlay', scope: 'swarm', subnets: [] })),
    removeNetwork: remove('network'),
    configs: list('config'),
    removeConfig: remove('config'),
    secrets: list('secret'),
    removeSecret: remove('secret'),
    volumes: list('volume'),
    removeVolume: remove('volume'),
  };
  return { docker, calls, content };
}

test('a whole cluster goes, its data stays unless asked for', async () => {
  const content = { network: ['n'], config: ['c'], secret: ['s'], volume: ['v'] };
  const { docker, calls } = fakeEngine(content, { services: [service] });
  await removeCluster(docker, 'demo-a1b2c3', { volumes: false });
  assert.deepEqual(calls, ['remove stack x', 'remove network n', 'remove config c', 'remove secret s']);
  await removeCluster(docker, 'demo-a1b2c3', { volumes: true });
  assert.deepEqual(content.volume, []);
});

test('half a cluster without services: what there is goes', async () => {
  const content = { network: ['n1', 'n2'], config: [], secret: ['s'], volume: ['v'] };
  const { docker, calls } = fakeEngine(content, { services: [] });
  await removeCluster(docker, 'demo-a1b2c3', { volumes: true });
  assert.deepEqual(calls, ['remove network n1', 'remove network n2', 'remove secret s', 'remove volume v']);
});

test('what someone else holds is named after the timeout', async () => {
  const { docker } = fakeEngine({ network: [], config: [], secret: [], volume: ['held'] }, { services: [] });
  await assert.rejects(
    removeCluster(docker, 'demo-a1b2c3', { volumes: true, timeoutMs: 50 }),
    (error) => error instanceof SparkPlugError && error.code === 'REMOVAL_STUCK' && error.met === 'held',
  );
});
