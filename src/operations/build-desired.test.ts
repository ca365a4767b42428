import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../config/parse-config.ts';
import type { DesiredState } from '../stack/desired-state.ts';
import {
  buildDesired,
  differsOnlyInJobs,
  keepInfrastructure,
  resolveWorkerShape,
  settleListen,
} from './build-desired.ts';

const shape = { executors: 1, cores: 2, memoryMiB: 2048 };
const images = { hdfs: 'h', spark: 's', conductor: 'c', worker: 'w', driver: 'd' };

function desiredOf(text: string, change: Partial<DesiredState> = {}): DesiredState {
  const parts = {
    config: settleListen(parseConfig(text, 'sparkplug.yaml'), null),
    projectId: 'shop-abc123',
    images,
    workerShape: shape,
    webPort: 8080,
    subnets: { control: '10.90.0.0/22', data: '10.90.4.0/22' },
    socketGid: 998,
    secrets: [
      { name: 'web_tokens', path: '/x/web_tokens', hash: '222222222222' },
      { name: 'control', path: '/x/control', hash: '111111111111' },
    ],
  };
  return { ...buildDesired(parts), ...change };
}

const file = (job: string) => `name: shop\njobs:\n  a: { main: a.py${job} }\n`;

test('secrets carry their hash in the name, in a stable order, and no content or path', () => {
  assert.deepEqual(desiredOf(file('')).secrets, [
    { name: 'control', swarmName: 'shop-abc123_control_111111111111' },
    { name: 'web_tokens', swarmName: 'shop-abc123_web_tokens_222222222222' },
  ]);
});

test('code and job definitions alone need no change of the cluster', () => {
  const before = desiredOf(file(''));
  const after = desiredOf(file(', args: [x], timeout: 1h'), { images: { ...images, driver: 'd2' }, version: '9.9.9' });
  assert.ok(differsOnlyInJobs(before, after));
});

test('the order of keys does not matter: the scheduler may hand a state back in another', () => {
  const before = desiredOf(file(''));
  const turned = Object.fromEntries(Object.entries(before).toReversed()) as unknown as DesiredState;
  assert.ok(differsOnlyInJobs(before, turned));
});

test('requirements, worker, settings and the secrets of jobs do', () => {
  const before = desiredOf(file(''));
  const changed: readonly DesiredState[] = [
    desiredOf(file(''), { images: { ...images, worker: 'w2' } }),
    desiredOf(file(''), { workerShape: { ...shape, memoryMiB: 4096 } }),
    desiredOf(`${file('')}spark: { conf: { spark.sql.shuffle.partitions: "4" } }\n`),
    desiredOf(file(', secrets: [password]')),
    desiredOf(file(', on_failure: { url: "https://a.example/", secret: password }')),
    desiredOf(file(''), { webPort: 8081 }),
  ];
  for (const after of changed) assert.ok(!differsOnlyInJobs(before, after));
});

test('auto is settled once; the file beats what was settled', () => {
  const machine = {
    id: 'm',
    name: 'm',
    cores: 8,
    memoryMiB: 16_384,
    othersMemoryMiB: 0,
    conductor: true,
    shared: false,
    storage: true,
    state: 'ready' as const,
  };
  const auto = parseConfig(file(''), 'sparkplug.yaml');
  assert.deepEqual(resolveWorkerShape(auto, shape, [machine]), shape);
  assert.ok(resolveWorkerShape(auto, null, [machine]).memoryMiB > 0);
  const set = parseConfig(`${file('')}spark: { worker: { executors: 1, cores: 1, memory: 2GiB } }\n`, 'sparkplug.yaml');
  assert.deepEqual(resolveWorkerShape(set, shape, []), { executors: 1, cores: 1, memoryMiB: 2048 });
});

test('the tree of a run leaves registry and certificates as they are, so that they are no change', () => {
  const registry = { image: 'r', address: '10.0.0.5:5000', caCertificate: 'PEM' };
  const plain = desiredOf(file(''));
  const others = ['web_tls_cert', 'registry_password', 'dropped'].map((name) => ({ name, swarmName: `x_${name}` }));
  const current = { ...plain, registry, secrets: [...plain.secrets, ...others] };
  const kept = keepInfrastructure(plain, current);
  assert.deepEqual(kept.registry, registry);
  assert.deepEqual(
    kept.secrets.map(({ name }) => name),
    ['control', 'registry_password', 'web_tls_cert', 'web_tokens'],
  );
  assert.ok(differsOnlyInJobs(kept, keepInfrastructure(plain, kept)));
  assert.deepEqual(keepInfrastructure(plain, plain), plain);
});

test('`listen: auto` opens web only where the conductor is not on this computer; an explicit value stands', () => {
  const listenOf = (web: string, host: string | null) =>
    settleListen(parseConfig(`${file('')}${web}`, 'sparkplug.yaml'), host).web.listen;
  assert.equal(listenOf('', null), 'local');
  assert.equal(listenOf('', '10.214.64.10'), 'all');
  assert.equal(listenOf('web: { listen: local }\n', '10.214.64.10'), 'local');
  assert.equal(listenOf('web: { listen: all }\n', null), 'all');
});
