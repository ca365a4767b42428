import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertGolden } from '../../test/fixtures/assert-golden.ts';
import { defaultCluster, fullCluster, severalCluster } from '../../test/fixtures/example-clusters.ts';
import { nameAgents } from './build-agent.ts';
import { buildStack } from './build-stack.ts';
import { renderCompose } from './render-compose.ts';
import type { StackSpec } from './stack-spec.ts';

const bootstrap = '{"projectId":"demo-a1b2c3"}';
const files = { secrets: 'file', secretFolder: '/home/me/.config/sparkplug/demo-a1b2c3/secrets' } as const;

function build(cluster: typeof defaultCluster, changes: Partial<typeof defaultCluster> = {}): StackSpec {
  const { desired, plan } = { ...cluster, ...changes };
  return buildStack(desired, plan, { bootstrap });
}

function hashes(stack: StackSpec): Record<string, string> {
  return Object.fromEntries(stack.services.map((service) => [service.name, service.hash]));
}

/** Names of services whose hash differs. */
function changed(before: StackSpec, after: StackSpec): string[] {
  const old = hashes(before);
  return after.services.filter((service) => old[service.name] !== service.hash).map((service) => service.name);
}

test('the default cluster on one machine, as a Compose text and its files', () => {
  const { desired, plan } = defaultCluster;
  const stack = buildStack(desired, plan, { bootstrap, pinned: false });
  assertGolden('default/compose.yaml', renderCompose(stack, files));
  for (const config of stack.configs) assertGolden(`default/${config.file}`, config.content);
});

test('two machines with every key of the project file, as the scheduler deploys them', () => {
  const stack = build(fullCluster);
  assertGolden('full/compose.yaml', renderCompose(stack, { secrets: 'external' }));
  for (const config of stack.configs) assertGolden(`full/${config.file}`, config.content);
});

function buildSeveral(changes: Partial<typeof severalCluster> = {}): StackSpec {
  const { desired, plan, socketGids } = { ...severalCluster, ...changes };
  return buildStack(desired, plan, { bootstrap, socketGids });
}

test('three machines: a registry for the images and an agent on each further one', () => {
  const stack = buildSeveral();
  assertGolden('several/compose.yaml', renderCompose(stack, { secrets: 'external' }));
  const published = stack.published?.map(({ name, ref, source }) => `${name}: ${ref} is ${source}`);
  assert.deepEqual(published, [
    'hdfs: 10.0.0.5:5000/sparkplug/hdfs:1111 is sparkplug/hdfs:1111',
    'worker: 10.0.0.5:5000/sparkplug/worker:4444 is sparkplug/worker:4444',
    'conductor: 10.0.0.5:5000/sparkplug/conductor:3333 is sparkplug/conductor:3333',
  ]);
});

test('on several machines only scheduler and agents have a socket, only web and registry are published', () => {
  const { services } = buildSeveral();
  const names = (wanted: (service: StackSpec['services'][number]) => boolean) =>
    services.filter(wanted).map((service) => service.name);
  const agents = ['agent-big', 'agent-small'];
  assert.deepEqual(
    names((service) => service.binds.length > 0),
    ['scheduler', ...agents],
  );
  assert.deepEqual(
    names((service) => service.ports.length > 0),
    ['web', 'registry'],
  );
  assert.deepEqual(
    names((service) => service.networks.includes('control')),
    ['web', 'scheduler', 'registry', ...agents],
  );
  assert.deepEqual(
    names((service) => service.secrets.some((name) => name.startsWith('agent_client'))),
    ['scheduler'],
  );
  assert.deepEqual(
    names((service) => service.user.startsWith('0')),
    [],
  );
});

test('further machines restart nothing on the first but the scheduler, which gets a key to them', () => {
  const names = changed(build(defaultCluster), buildSeveral());
  assert.deepEqual(names, [
    ...['scheduler', 'registry', 'agent-big', 'agent-small'],
    ...['spark-worker-2', 'spark-worker-3', 'spark-worker-4', 'datanode-2', 'datanode-3'],
  ]);
});

test('a cluster that expects machines has what their agents prove themselves by before any of them is there', () => {
  const { desired } = severalCluster;
  const alone = buildStack(desired, defaultCluster.plan, { bootstrap: null });
  const names = alone.secrets.map(({ name }) => name);
  assert.ok(
    ['cluster_ca', 'agent_tls_cert', 'agent_tls_key'].every((name) => names.includes(name)),
    names.join(' '),
  );
  assert.ok(!alone.services.some(({ component }) => component === 'agent'));
});

test('a machine whose socket is not known has no agent yet, and its image is published all the same', () => {
  const stack = buildSeveral({ socketGids: new Map([['node3', 0]]) });
  const agents = stack.services.filter(({ component }) => component === 'agent');
  assert.deepEqual(
    agents.map(({ name, user }) => `${name} ${user}`),
    ['agent-small 10001:0'],
  );
  assert.ok(stack.published?.some(({ name }) => name === 'conductor'));
});

test('agents are named by their machines, told apart where names meet or do not fit', () => {
  const names = nameAgents([
    { id: 'k3v9x1aaaa', name: 'node.a.example.com' },
    { id: 'q8z7p2bbbb', name: 'node.b.example.com' },
    { id: 'm5n6o7cccc', name: 'Big_Box' },
    { id: 'a1b2c3dddd', name: 'x'.repeat(60) },
    { id: 'e4f5g6eeee', name: '…' },
  ]);
  assert.deepEqual(
    [...names.values()],
    [
      'agent-node-k3v9x1',
      'agent-node-q8z7p2',
      'agent-big-box-m5n6o7',
      `agent-${'x'.repeat(18)}-a1b2c3`,
      'agent-machine-e4f5g6',
    ],
  );
  for (const name of names.values()) assert.ok(`${'p'.repeat(31)}_${name}`.length <= 63, name);
});

test('exactly the containers of the picture', () => {
  assert.deepEqual(
    build(defaultCluster).services.map((service) => service.name),
    ['web', 'scheduler', 'spark-driver', 'spark-master', 'namenode', 'checkpointer', 'spark-worker-1', 'datanode-1'],
  );
});

test('only the scheduler has the socket, only web is published, user code is not on the control network', () => {
  const { services } = build(fullCluster);
  const names = (wanted: (service: StackSpec['services'][number]) => boolean) =>
    services.filter(wanted).map((service) => service.name);
  assert.deepEqual(
    names((service) => service.binds.length > 0),
    ['scheduler'],
  );
  assert.deepEqual(
    names((service) => service.ports.length > 0),
    ['web'],
  );
  assert.deepEqual(
    names((service) => service.networks.includes('control')),
    ['web', 'scheduler'],
  );
  assert.deepEqual(
    names((service) => service.secrets.includes('control')),
    ['web', 'scheduler'],
  );
  assert.deepEqual(
    names((service) => service.user.startsWith('0')),
    [],
  );
});

test("a secret that no job names reaches nobody, a job's reaches driver and workers", () => {
  const stack = build(fullCluster);
  assert.ok(!stack.secrets.some((secret) => secret.name === 'of_no_job'));
  const having = stack.services.filter((service) => service.secrets.includes('warehouse_password'));
  assert.deepEqual(
    having.map((service) => service.name),
    ['spark-driver', 'spark-worker-1', 'spark-worker-2'],
  );
});

test('a secret that signs notifications reaches the scheduler alone, for a job that does not read it', () => {
  const having = build(fullCluster).services.filter((service) => service.secrets.includes('hook_key'));
  assert.deepEqual(
    having.map((service) => service.name),
    ['scheduler'],
  );
});

test('how webhooks leave is for the scheduler alone', () => {
  const { desired } = fullCluster;
  const secrets = [
    ...desired.secrets,
    { name: 'webhook_settings', swarmName: 'full-d4e5f6_webhook_settings_333333333333' },
  ];
  const stack = build(fullCluster, { desired: { ...desired, secrets } });
  assert.deepEqual(changed(build(fullCluster), stack), ['scheduler']);
  assert.deepEqual(
    stack.services.filter((service) => service.secrets.includes('webhook_settings')).map(({ name }) => name),
    ['scheduler'],
  );
});

test('equal arguments give equal stacks, and another bootstrap or machine restarts nothing', () => {
  const { desired, plan } = defaultCluster;
  const stack = build(defaultCluster);
  assert.deepEqual(build(defaultCluster), stack);
  assert.deepEqual(changed(stack, buildStack(desired, plan, { bootstrap: null, pinned: false })), []);
  assert.deepEqual(changed(stack, buildStack(desired, plan, { bootstrap: 'another', pinned: false })), []);
});

test('changed code restarts the driver alone', () => {
  const { desired } = defaultCluster;
  const images = { ...desired.images, driver: 'sparkplug/demo-driver:6666' };
  const stack = build(defaultCluster);
  assert.deepEqual(changed(stack, build(defaultCluster, { desired: { ...desired, images } })), ['spark-driver']);
  const forOneRun = buildStack(desired, defaultCluster.plan, { bootstrap, driverImage: images.driver });
  assert.deepEqual(changed(stack, forOneRun), ['spark-driver']);
});

test('a cluster grows without restarting what runs', () => {
  const { plan } = fullCluster;
  const placement = { ordinal: 3, machineId: 'node2', machineName: 'small' };
  const sizing = { limitMiB: 272, reservationMiB: 272, heapMiB: 112 };
  const grown = {
    ...plan,
    workers: [...plan.workers, placement],
    datanodes: [...plan.datanodes, { ...placement, sizing }],
    totalWorkers: 3,
    coresPerRun: 6,
  };
  const names = changed(build(fullCluster), build(fullCluster, { plan: grown }));
  assert.deepEqual(names, ['spark-worker-3', 'datanode-3']);
});

test('a new content of a secret restarts those who mount it', () => {
  const { desired } = fullCluster;
  const secrets = desired.secrets.map((secret) =>
    secret.name === 'mail_key' ? { ...secret, swarmName: 'full-d4e5f6_mail_key_000000000000' } : secret,
  );
  const names = changed(build(fullCluster), build(fullCluster, { desired: { ...desired, secrets } }));
  assert.deepEqual(names, ['spark-driver', 'spark-worker-1', 'spark-worker-2']);
});

test('what the user sets cannot change what SparkPlug must set', () => {
  const driver = build(fullCluster).configs.find((config) => config.file === 'spark-driver.conf');
  assert.match(driver?.content ?? '', /^spark\.hadoop\.dfs\.replication=2$/m);
  assert.match(driver?.content ?? '', /^spark\.sql\.warehouse\.dir=\/elsewhere$/m);
});
