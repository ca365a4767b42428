// Looks at the engine from outside, past the product's own adapter.
import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { execa } from 'execa';
import pWaitFor from 'p-wait-for';

/** Runs `docker ARGS`, returns its standard output; throws when it fails. */
export async function docker(...args: readonly string[]): Promise<string> {
  const { stdout } = await execa('docker', args, { stdin: 'ignore', timeout: 180_000 });
  return stdout;
}

/** Of a cluster with one worker and one DataNode, on a machine with room for the history server. */
export const servicesOfOneWorker = [
  'checkpointer',
  'datanode-1',
  'history',
  'namenode',
  'scheduler',
  'spark-driver',
  'spark-master',
  'spark-worker-1',
  'web',
] as const;

/** Of one with two of each, as the shared cluster is. */
export const servicesOfTwoWorkers = [...servicesOfOneWorker, 'datanode-2', 'spark-worker-2'].toSorted();

/** Names (the label `sparkplug.service`) of a project's running containers, sorted. */
export async function runningServices(projectId: string): Promise<string[]> {
  const out = await docker(
    'ps',
    '--filter',
    `label=sparkplug.project=${projectId}`,
    '--format',
    '{{.Label "sparkplug.service"}}',
  );
  return out.split('\n').filter(Boolean).sort();
}

/** Waits until just these services have a container each: a driver that ended its run is being replaced for a moment. */
export async function awaitServices(projectId: string, expected: readonly string[]): Promise<void> {
  let found: readonly string[] = [];
  const matches = async () => {
    found = await runningServices(projectId);
    return isDeepStrictEqual(found, expected);
  };
  await pWaitFor(matches, { interval: 250, timeout: { milliseconds: 30_000, fallback: () => {} } });
  assert.deepEqual(found, expected);
}

/** Id of the one running container of a service; waits for it where it is just being replaced. */
export async function containerOf(projectId: string, service: string): Promise<string> {
  let ids: readonly string[] = [];
  const isOne = async () => {
    const filters = [`label=sparkplug.project=${projectId}`, `label=sparkplug.service=${service}`];
    const out = await docker('ps', '--no-trunc', '-q', ...filters.flatMap((filter) => ['--filter', filter]));
    ids = out.split('\n').filter(Boolean);
    return ids.length === 1;
  };
  await pWaitFor(isOne, { interval: 250, timeout: { milliseconds: 30_000, fallback: () => {} } });
  const [id] = ids;
  if (id === undefined || ids.length > 1) throw new Error(`${ids.length} containers of ${service}`);
  return id;
}
