// The steps of a change that move data: drains before services go, what is cleared after they went, and replication.
import type { NameNodeAdmin } from '../adapters/namenode/name-node-admin.ts';
import type { Execution } from '../engine/execute-change-set.ts';
import { SparkPlugError } from '../errors.ts';
import type { Report } from '../progress.ts';
import type { Clock } from '../runs/clock.ts';
import type { ClusterStore } from '../runs/state/cluster-store.ts';
import { swarmName } from '../stack/hash-content.ts';
import type { StackSpec } from '../stack/stack-spec.ts';
import { chooseReplication, drainDataNodes, forgetDataNodes, raiseReplication } from './drain-datanodes.ts';
import { type ContainerHost, type DrainWorkersParts, drainWorkers } from './drain-workers.ts';

/** What drains talk to. */
export interface DrainParts extends Pick<DrainWorkersParts, 'runningExecutors'> {
  readonly nameNode: NameNodeAdmin;
  readonly host: ContainerHost;
  /** Removes a volume on a machine (null: it is not known any more); one that is not there is no error. */
  readonly removeVolume: (machineId: string | null, volume: string, signal: AbortSignal) => Promise<void>;
}

export interface DrainContext {
  readonly drains: DrainParts;
  readonly store: ClusterStore;
  readonly clock: Clock;
  readonly shutdown: AbortSignal;
  readonly projectId: string;
  /** The stack that ran before the change: where volumes are. */
  readonly previous: StackSpec | null;
  readonly replication: 'auto' | number;
  readonly force: boolean;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** Whether an earlier change took DataNodes out and was not seen to the end. */
export function hasLeaving(store: ClusterStore): boolean {
  return readLeaving(store).length > 0;
}

/** Builds the steps of one change. */
export function carryOutDrains(context: DrainContext): Pick<Execution, 'drain' | 'discard' | 'replicate'> {
  const { drains, clock, shutdown, replication, force, report, signal } = context;
  return {
    drain: async ({ component, services, remaining }) => {
      if (component === 'spark-worker') {
        const { host, runningExecutors } = drains;
        await drainWorkers({ host, runningExecutors, clock, shutdown }, { workers: services, report, signal });
        return;
      }
      noteLeaving(context.store, [...readLeaving(context.store), ...services]);
      await drainDataNodes(
        { nameNode: drains.nameNode, clock, shutdown },
        { datanodes: services, remaining, replication, force, report, signal },
      );
    },
    discard: ({ services }) => discard(context, services),
    replicate: ({ datanodes }) => raiseReplication(drains, { datanodes, report, signal }),
  };
}

/**
 * Ends what an earlier change left that was broken off: DataNodes that stay after all are put back in service, and those
 * whose services are gone are cleared away. `going`: DataNodes that this change drains.
 */
export async function settleLeaving(
  context: DrainContext,
  services: {
    readonly running: readonly string[];
    readonly desired: readonly string[];
    readonly going: readonly string[];
  },
): Promise<void> {
  const leaving = readLeaving(context.store);
  if (leaving.length === 0) return;
  const staying = leaving.filter((name) => services.desired.includes(name) && !services.going.includes(name));
  if (staying.length > 0) {
    await forgetDataNodes(context.drains.nameNode, staying);
    if (context.replication === 'auto') {
      const datanodes = services.desired.filter((name) => name.startsWith('datanode-')).length;
      await context.drains.nameNode.setReplication(chooseReplication(datanodes), context.signal);
    }
    forgetLeaving(context.store, staying);
  }
  const gone = leaving.filter((name) => !services.running.includes(name) && !services.desired.includes(name));
  if (gone.length > 0) await discard(context, gone);
}

async function discard(context: DrainContext, services: readonly string[]): Promise<void> {
  const { drains, projectId, previous, signal } = context;
  for (const name of services) {
    const spec = previous?.services.find((one) => one.name === name);
    const volumes = spec?.volumes.map(({ volume }) => volume) ?? [name];
    for (const volume of volumes) {
      await drains.removeVolume(spec?.machineId ?? null, swarmName(projectId, volume), signal);
    }
  }
  await forgetDataNodes(drains.nameNode, services);
  forgetLeaving(context.store, services);
}

const settingKey = 'leaving';

/** Only a hint where to look: how far a drain is, the NameNode says. */
function readLeaving(store: ClusterStore): readonly string[] {
  const text = store.setting(settingKey);
  return text === null ? [] : (JSON.parse(text) as string[]);
}

function noteLeaving(store: ClusterStore, names: readonly string[]): void {
  store.set(settingKey, names.length === 0 ? null : JSON.stringify([...new Set(names)]));
}

function forgetLeaving(store: ClusterStore, names: readonly string[]): void {
  noteLeaving(
    store,
    readLeaving(store).filter((name) => !names.includes(name)),
  );
}

/** True for a NameNode that is away: an apply that may be about to repair it does not wait for it. */
export function isAway(error: unknown): boolean {
  return error instanceof SparkPlugError && error.code === 'HDFS_AWAY';
}
