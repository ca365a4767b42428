// What every component's builder starts from: one container, one user, memory from the plan, quick to stop.
import type { Component, FixedComponent, Placement, Sizing } from '../plan/cluster-plan.ts';
import type { BuildContext } from './build-context.ts';
import { hashContent } from './hash-content.ts';
import type { ServiceSpec } from './stack-spec.ts';

export type ServiceDraft = Omit<ServiceSpec, 'hash'>;

/** User and group of every container; the images' folders belong to it. */
export const containerUser = '10001:10001';

/** Raised whenever `render-compose.ts` writes the same ServiceSpec differently in a way that restarts containers. */
const renderingVersion = 1;

/** The common part of a service of which there is one, on the conductor machine; an agent's builder says where it stands. */
export function draftService(context: BuildContext, component: FixedComponent | 'agent'): ServiceDraft {
  return draftAt(context, component, context.plan.sizing[component], null);
}

/** The common part of `spark-worker-3` or `datanode-3`, on the machine of its placement. */
export function draftFollower(
  context: BuildContext,
  component: 'spark-worker' | 'datanode',
  at: Placement,
  sizing: Sizing,
): ServiceDraft {
  return draftAt(context, component, sizing, at);
}

function draftAt(context: BuildContext, component: Component, sizing: Sizing, at: Placement | null): ServiceDraft {
  return {
    name: at === null ? component : `${component}-${at.ordinal}`,
    component,
    ordinal: at?.ordinal ?? null,
    replicas: 1,
    image: '',
    command: [component],
    user: containerUser,
    env: {},
    networks: ['data'],
    configs: [],
    secrets: [],
    volumes: [],
    binds: [],
    ports: [],
    healthcheck: null,
    limitMiB: sizing.limitMiB,
    reservationMiB: sizing.reservationMiB,
    machineId: context.pinned ? (at?.machineId ?? context.conductorMachineId) : null,
    stopGraceMs: 10_000,
  };
}

/**
 * Adds the hash by which a later reconcile sees that nothing changed. Left out: what changes without a restart, and
 * the bootstrap file, which is read once in a cluster's life.
 */
export function sealService(draft: ServiceDraft, context: BuildContext): ServiceSpec {
  const { replicas: _replicas, machineId: _machineId, ...rest } = draft;
  const configs = draft.configs.filter((mount) => mount.config !== context.bootstrap?.name);
  const secrets = draft.secrets.map(
    (name) => context.desired.secrets.find((secret) => secret.name === name)?.swarmName ?? name,
  );
  const text = JSON.stringify({
    renderingVersion,
    ...rest,
    env: Object.entries(rest.env).toSorted(),
    configs,
    secrets,
  });
  return { ...draft, hash: hashContent(text) };
}
