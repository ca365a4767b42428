import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { stateOf } from '../../test/fixtures/cluster-states.ts';
import { fullCluster } from '../../test/fixtures/example-clusters.ts';
import { SparkPlugError } from '../errors.ts';
import { buildStack } from '../stack/build-stack.ts';
import type { StackSpec } from '../stack/stack-spec.ts';
import type { DeployingDocker } from './engine-docker.ts';
import { type Execution, executeChangeSet } from './execute-change-set.ts';
import { reconcile } from './reconcile.ts';

const { desired, plan } = fullCluster;
const before = buildStack(desired, plan, { bootstrap: null });
const images = { ...desired.images, worker: 'full/worker:new', driver: 'full/driver:new' };
const after = buildStack({ ...desired, images }, plan, { bootstrap: null });

interface FakeSwarm extends DeployingDocker {
  readonly calls: string[];
  readonly folders: string[];
}

/** Records what it is told; `failures` deploys are refused first. */
function fakeSwarm(calls: string[], failures: readonly SparkPlugError[] = []): FakeSwarm {
  const queue = [...failures];
  const folders: string[] = [];
  const stored = (name: string) => ({ id: name, name, labels: {} });
  return {
    calls,
    folders,
    async stackDeploy({ namespace, composeFile }) {
      const failure = queue.shift();
      if (failure !== undefined) throw failure;
      folders.push(dirname(composeFile));
      const text = await readFile(composeFile, 'utf8');
      assert.ok(existsSync(join(dirname(composeFile), 'core-site.xml')));
      calls.push(`deploy ${namespace}: ${text.match(/full\/\w+:new/g)?.length ?? 0} new`);
    },
    restartService: async (id) => void calls.push(`restart ${id}`),
    configs: async () => [stored('full-d4e5f6_core-site_old'), stored(`full-d4e5f6_${before.configs[0]?.name}`)],
    removeConfig: async (name) => void calls.push(`remove config ${name}`),
    secrets: async () => [...desired.secrets.map((secret) => stored(secret.swarmName)), stored('full-d4e5f6_held')],
    removeSecret: async (name) => {
      calls.push(`remove secret ${name}`);
      if (name.endsWith('held')) throw new SparkPlugError('DOCKER_FAILED', 'in use');
    },
  };
}

function execution(calls: string[], changes: Partial<Execution> = {}): Execution {
  return {
    secrets: { secrets: 'external' },
    report: (event) => {
      if (event.kind === 'step-started') calls.push(`step ${event.step} (${event.cause})`);
    },
    waitUntilReady: async (services) => void calls.push(`ready ${services.join(' ')}`),
    waitUntilIdle: async () => void calls.push('idle'),
    drain: async ({ services, remaining }) =>
      void calls.push(`drain ${services.join(' ')}, not ${remaining.join(' ')}`),
    discard: async ({ services }) => void calls.push(`discard ${services.join(' ')}`),
    replicate: async ({ datanodes }) => void calls.push(`replicate over ${datanodes}`),
    ...changes,
  };
}

function changesDuringARun(wanted: StackSpec = after) {
  return reconcile(stateOf(before), before, wanted, { runActive: true, now: false });
}

test('step by step, each ready before the next; then what no service uses any more is removed', async () => {
  const calls: string[] = [];
  const docker = fakeSwarm(calls);
  await executeChangeSet(docker, changesDuringARun(), execution(calls));
  assert.deepEqual(calls, [
    'step wait until no run is active (spark-worker-1, spark-worker-2 stop or restart)',
    'idle',
    'step update spark-worker-1 (image changed)',
    'deploy full-d4e5f6: 1 new',
    'ready spark-worker-1',
    'step update spark-worker-2 (image changed)',
    'deploy full-d4e5f6: 2 new',
    'ready spark-worker-2',
    'remove config full-d4e5f6_core-site_old',
    'remove secret full-d4e5f6_of_no_job_ffffffffffff',
    'remove secret full-d4e5f6_held',
  ]);
  assert.deepEqual(docker.folders.filter(existsSync), []);
});

test('drains come before the deploy, what is left of a DataNode goes after it', async () => {
  const calls: string[] = [];
  const fewer = buildStack(desired, { ...plan, datanodes: plan.datanodes.slice(0, 1) }, { bootstrap: null });
  await executeChangeSet(fakeSwarm(calls), changesDuringARun(fewer), execution(calls));
  assert.deepEqual(calls.slice(0, 6), [
    'step drain datanode-2 (no longer planned)',
    'drain datanode-2, not datanode-1',
    'step remove datanode-2 (no longer planned)',
    'deploy full-d4e5f6: 0 new',
    'step discard datanode-2 (its blocks are on other DataNodes)',
    'discard datanode-2',
  ]);
  const refused: string[] = [];
  const drain = () => Promise.reject(new SparkPlugError('HDFS_NO_ROOM', 'full'));
  const refusal = executeChangeSet(fakeSwarm(refused), changesDuringARun(fewer), execution(refused, { drain }));
  await assert.rejects(refusal, { code: 'HDFS_NO_ROOM' });
  assert.deepEqual(refused, ['step drain datanode-2 (no longer planned)']);
});

test('what is stuck is restarted and waited for', async () => {
  const calls: string[] = [];
  const changes = [{ type: 'restart' as const, service: 'datanode-1', cause: 'its machine is back' }];
  const steps = [{ kind: 'restart' as const, changes, serviceIds: ['id-datanode-1'] }];
  const changeSet = { namespace: 'full', steps, changes, result: before, empty: false };
  await executeChangeSet(fakeSwarm(calls), changeSet, execution(calls));
  assert.deepEqual(calls.slice(0, 3), [
    'step restart datanode-1 (its machine is back)',
    'restart id-datanode-1',
    'ready datanode-1',
  ]);
});

test('nothing to do calls nothing', async () => {
  const calls: string[] = [];
  await executeChangeSet(fakeSwarm(calls), changesDuringARun(before), execution(calls));
  assert.deepEqual(calls, []);
});

test('a deploy that collides with Swarm is repeated, any other failure is not', async () => {
  const collision = new SparkPlugError('DOCKER_FAILED', 'docker stack failed: rpc error: update out of sequence');
  const calls: string[] = [];
  await executeChangeSet(fakeSwarm(calls, [collision, collision]), changesDuringARun(), execution(calls));
  assert.equal(calls.filter((call) => call.startsWith('deploy')).length, 2);

  const refusal = new SparkPlugError('DOCKER_FAILED', 'docker stack failed: invalid');
  await assert.rejects(executeChangeSet(fakeSwarm([], [refusal]), changesDuringARun(), execution([])), refusal);
});

test('a component that never becomes ready ends it, and no folder is left', async () => {
  const calls: string[] = [];
  const docker = fakeSwarm(calls);
  const crash = new SparkPlugError('COMPONENT_CRASHING', 'spark-worker-1');
  const waitUntilReady = () => Promise.reject(crash);
  await assert.rejects(executeChangeSet(docker, changesDuringARun(), execution(calls, { waitUntilReady })), crash);
  assert.equal(docker.folders.length, 1);
  assert.deepEqual(docker.folders.filter(existsSync), []);
});

test('an abort between two steps stops there', async () => {
  const calls: string[] = [];
  const abort = new AbortController();
  const waitUntilIdle = async () => abort.abort();
  const stopped = execution(calls, { waitUntilIdle, signal: abort.signal });
  await assert.rejects(executeChangeSet(fakeSwarm(calls), changesDuringARun(), stopped), { name: 'AbortError' });
  assert.deepEqual(
    calls.filter((call) => call.startsWith('deploy')),
    [],
  );
});
