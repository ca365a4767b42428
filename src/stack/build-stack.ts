// plan → stack: every service, network, volume, secret and generated file of the cluster, as data.
import type { ClusterPlan } from '../plan/cluster-plan.ts';
import { agentSecrets, buildAgents } from './build-agent.ts';
import { buildCheckpointer } from './build-checkpointer.ts';
import { type BuildContext, buildConfigs, configFile } from './build-context.ts';
import { buildDatanode } from './build-datanode.ts';
import { buildHistory } from './build-history.ts';
import { buildNamenode } from './build-namenode.ts';
import { buildRegistry } from './build-registry.ts';
import { buildScheduler } from './build-scheduler.ts';
import { buildSparkDriver } from './build-spark-driver.ts';
import { buildSparkMaster } from './build-spark-master.ts';
import { buildSparkWorker } from './build-spark-worker.ts';
import { buildWeb } from './build-web.ts';
import type { DesiredState } from './desired-state.ts';
import { listPublished } from './image-on.ts';
import { sealService } from './service-draft.ts';
import type { StackSpec } from './stack-spec.ts';

export interface StackOptions {
  /** Text of the desired state that a new scheduler adopts as revision 1; the same until `down`. */
  readonly bootstrap: string | null;
  /** Image of the next run's driver where it is not the desired state's. */
  readonly driverImage?: string;
  /** False: services stay on any manager instead of on the machines of the plan (`plan --compose`). Default true. */
  readonly pinned?: boolean;
  /** Group of the Docker socket by machine id; a further machine without one gets no agent yet. */
  readonly socketGids?: ReadonlyMap<string, number>;
}

/** Builds the whole cluster from what it should be and where it goes. Pure: equal arguments, equal stack. */
export function buildStack(desired: DesiredState, plan: ClusterPlan, options: StackOptions): StackSpec {
  const context = createContext(desired, plan, options);
  const drafts = [
    buildWeb(context),
    buildScheduler(context),
    buildSparkDriver(context),
    buildSparkMaster(context),
    buildNamenode(context),
    buildCheckpointer(context),
    ...buildHistory(context),
    ...buildRegistry(context),
    ...buildAgents(context),
    ...plan.workers.map((placement) => buildSparkWorker(context, placement)),
    ...plan.datanodes.map((placement) => buildDatanode(context, placement)),
  ];
  // Also the image of agents that only stand once their machine was looked at.
  const isAlone = plan.machines.every((machine) => machine.conductor);
  const published = context.registry === null || isAlone ? [] : listPublished(desired, context.registry.address);
  const expected = context.registry === null ? [] : agentSecrets;
  const used = new Set([...drafts.flatMap((draft) => draft.secrets), ...expected]);
  return {
    projectId: desired.projectId,
    namespace: desired.namespace,
    services: drafts.map((draft) => sealService(draft, context)),
    configs: [...Object.values(context.configs), context.bootstrap].filter((config) => config !== null),
    secrets: desired.secrets.filter((secret) => used.has(secret.name)),
    volumes: drafts.flatMap((draft) => draft.volumes.map((mount) => mount.volume)),
    networks: [
      { name: 'control', subnet: desired.subnets.control },
      { name: 'data', subnet: desired.subnets.data },
    ],
    ...(published.length === 0 ? {} : { published }),
  };
}

function createContext(desired: DesiredState, plan: ClusterPlan, options: StackOptions): BuildContext {
  const pinned = options.pinned ?? true;
  return {
    desired,
    plan,
    driverImage: options.driverImage ?? desired.images.driver,
    conductorMachineId: plan.machines.find((machine) => machine.conductor)?.id ?? null,
    pinned,
    // Deployed by hand on one machine, nobody else pulls.
    registry: pinned ? (desired.registry ?? null) : null,
    socketGids: options.socketGids ?? new Map(),
    configs: buildConfigs(desired, plan),
    bootstrap: options.bootstrap === null ? null : configFile('desired', 'desired.json', options.bootstrap),
  };
}
