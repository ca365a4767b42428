// Whether Docker has started what the stack asks for, and if not what it waits for; what components answer comes later.
import type { ServiceSpec, StackSpec } from '../stack/stack-spec.ts';
import type { ClusterState, ObservedService, ObservedTask } from './cluster-state.ts';
import { findFailingServices } from './find-failing-services.ts';

export interface ServiceReadiness {
  readonly service: string;
  /** `started`: as many containers as asked for run, made from the service's present definition. */
  readonly state: 'started' | 'starting' | 'failing' | 'missing';
  readonly detail: string;
}

export interface Readiness {
  readonly started: boolean;
  readonly services: readonly ServiceReadiness[];
}

/** Compares a stack with what runs; `nowMs` decides which failures are recent. */
export function describeReadiness(state: ClusterState, stack: StackSpec, nowMs: number): Readiness {
  const failing = new Map(findFailingServices(state, nowMs).map((failure) => [failure.service, failure]));
  const services = stack.services.map((spec): ServiceReadiness => {
    const failure = failing.get(spec.name);
    if (failure !== undefined) {
      const detail = `failed ${failure.failures} times: ${failure.error}`;
      return { service: spec.name, state: 'failing', detail };
    }
    return describeService(
      spec,
      state.services.find((service) => service.name === spec.name),
    );
  });
  return { started: services.every((service) => service.state === 'started'), services };
}

function describeService(spec: ServiceSpec, observed: ObservedService | undefined): ServiceReadiness {
  const service = spec.name;
  if (observed === undefined) return { service, state: 'missing', detail: 'not deployed' };
  if (observed.specHash !== spec.hash) return { service, state: 'starting', detail: 'runs an older definition' };
  const wanted = observed.tasks.filter((task) => task.desiredState === 'running');
  // Right after a deploy the old task still runs, until Swarm gets to replacing it.
  const isNew = (task: ObservedTask) => task.state === 'running' && task.specHash === spec.hash;
  const running = wanted.filter(isNew).length;
  if (running >= spec.replicas) return { service, state: 'started', detail: `${running} running` };
  const waiting = wanted.find((task) => !isNew(task));
  const reason =
    waiting?.state === 'running' ? 'still to be replaced' : (waiting?.error ?? waiting?.state ?? 'no task yet');
  return { service, state: 'starting', detail: reason };
}
