// Why a service changes, in the words of the project file where they exist.
import type { ServiceSpec, StackSpec } from '../stack/stack-spec.ts';
import type { ObservedService } from './cluster-state.ts';

/**
 * Says what differs between a service as it runs and as it should; exact where the last stack is known.
 * @param machineNames by id
 */
export function describeDifference(
  spec: ServiceSpec,
  observed: ObservedService,
  currentStack: StackSpec | null,
  desired: StackSpec,
  machineNames: ReadonlyMap<string, string>,
): string {
  const before = currentStack?.services.find((candidate) => candidate.name === spec.name);
  const known = before !== undefined && before.hash === observed.specHash;
  const causes = [
    ...(observed.image === spec.image ? [] : ['image changed']),
    ...(known ? compareSpecs(before, spec) : []),
    ...(known && !same(secretsOf(before, currentStack), secretsOf(spec, desired)) ? ['secrets changed'] : []),
    ...(observed.replicas === spec.replicas ? [] : [`${observed.replicas} → ${spec.replicas} containers`]),
    ...(observed.machineId === spec.machineId ? [] : [describeMachine(spec, machineNames)]),
  ];
  return causes.length === 0 ? 'its definition changed' : causes.join(', ');
}

function compareSpecs(before: ServiceSpec, after: ServiceSpec): string[] {
  return [
    ...compareMemory(before, after),
    ...compareEnv(before.env, after.env),
    ...(same(before.configs, after.configs) ? [] : ['settings changed']),
    ...(same(before.ports, after.ports) ? [] : ['port changed']),
  ];
}

function compareMemory(before: ServiceSpec, after: ServiceSpec): string[] {
  if (before.limitMiB !== after.limitMiB) return [`memory ${before.limitMiB} → ${after.limitMiB} MiB`];
  if (before.reservationMiB === after.reservationMiB) return [];
  return [`reserved memory ${before.reservationMiB} → ${after.reservationMiB} MiB`];
}

function compareEnv(before: ServiceSpec['env'], after: ServiceSpec['env']): string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted();
  return names
    .filter((name) => before[name] !== after[name])
    .map((name) => `${name} ${before[name] ?? 'unset'} → ${after[name] ?? 'unset'}`);
}

/** Names in Swarm: they differ when a content does. */
function secretsOf(spec: ServiceSpec, stack: StackSpec | null): readonly (string | undefined)[] {
  return spec.secrets.map((name) => stack?.secrets.find((secret) => secret.name === name)?.swarmName);
}

function describeMachine({ machineId }: ServiceSpec, machineNames: ReadonlyMap<string, string>): string {
  return machineId === null ? 'any machine will do' : `stays on machine ${machineNames.get(machineId) ?? machineId}`;
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
