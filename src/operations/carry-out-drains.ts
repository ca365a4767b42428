// The steps of a change that move data: drains before services go, what is cleared after they went, and replication.
import type { NameNodeAdmin } from '../adapters/namenode/name-node-admin.ts';
import type { ChangeSet } from '../engine/change-set.ts';
import type { Execution } from '../engine/execute-change-set.ts';
import type { Report } from '../progress.ts';
import type { Clock } from '../runs/clock.ts';
import type { ClusterStore } from '../runs/state/cluster-store.ts';
import { swarmName } from '../stack/hash-content.ts';
import type { StackSpec } from '../stack/stack-spec.ts';
import { chooseReplication, drainDataNodes, forgetDataNodes, raiseReplication } from './drain-datanodes.ts';
import { type ContainerHost, type DrainWorkersParts, drainWorkers, restartWorkers } from './drain-workers.ts';

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

/** Whether an earlier change began to take something out and was not seen to the end. */
export function hasLeaving(store: ClusterStore): boolean {
  return readLeaving(store).length > 0;
}

/** Builds the steps of one change. */
export function carryOutDrains(context: DrainContext): Pick<Execution, 'drain' | 'discard' | 'replicate'> {
  const { drains, clock, shutdown, replication, force, report, signal } = context;
  return {
    drain: async ({ component, services, remaining }) => {
      noteLeaving(context.store, [...readLeaving(context.store), ...services]);
      if (component === 'spark-worker') {
        const { host, runningExecutors } = drains;
        await drainWorkers({ host, runningExecutors, clock, shutdown }, { workers: services, report, signal });
        return;
      }
      await drainDataNodes(
        { nameNode: drains.nameNode, clock, shutdown },
        {
          ...{ datanodes: services, remaining, replication, force, report, signal },
          owe: () => context.store.set(owedKey, 'yes'),
        },
      );
    },
    discard: ({ services }) => discard(context, services),
    replicate: async ({ datanodes }) => {
      await raiseReplication(drains, { datanodes, report, signal });
      context.store.set(owedKey, null);
    },
  };
}

const owedKey = 'replicas-owed';

/** Whether files have fewer replicas than `auto` gives them, since a DataNode was away as another was drained. */
export function owesReplicas(store: ClusterStore): boolean {
  return store.setting(owedKey) !== null;
}

/**
 * Ends what an earlier change left that was broken off: what stays after all is put back in service, and what is left of
 * DataNodes whose services are gone is cleared away. `going`: services that this change drains.
 */
export async function settleLeaving(
  context: DrainContext,
  services: {
    readonly running: readonly string[];
    readonly desired: readonly string[];
    readonly going: readonly string[];
  },
): Promise<void> {
  const leaving = readLeaving(context.store).filter((name) => !services.going.includes(name));
  const staying = leaving.filter((name) => services.desired.includes(name));
  const workers = staying.filter((name) => !isDataNode(name) && services.running.includes(name));
  // On a machine that is away: told by the next change, should it be back as it was.
  const untold = await restartWorkers(context.drains.host, workers);
  const datanodes = staying.filter(isDataNode);
  if (datanodes.length > 0) {
    // In this order: what comes back while the replication is low makes replicas too many.
    await raiseAgain(context, services.desired.filter(isDataNode).length);
    await forgetDataNodes(context.drains.nameNode, datanodes);
  }
  const gone = leaving.filter((name) => !services.running.includes(name) && !services.desired.includes(name));
  await discard(context, gone.filter(isDataNode));
  const settled = [...staying, ...gone].filter((name) => !untold.includes(name));
  forgetLeaving(context.store, settled);
}

/** The drain that was broken off may have lowered it. */
async function raiseAgain({ drains, replication, signal }: DrainContext, datanodes: number): Promise<void> {
  if (replication === 'auto') await drains.nameNode.setReplication(chooseReplication(datanodes), signal);
}

function isDataNode(service: string): boolean {
  return service.startsWith('datanode-');
}

/** What was drained and is gone: the change was seen to the end. */
export function forgetDrained(store: ClusterStore, { steps }: ChangeSet): void {
  const drained = steps.flatMap((step) => (step.kind === 'drain' ? step.services : []));
  if (drained.length > 0) forgetLeaving(store, drained);
}

async function discard(context: DrainContext, services: readonly string[]): Promise<void> {
  if (services.length === 0) return;
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
