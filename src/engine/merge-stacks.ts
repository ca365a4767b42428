// A stack between two others: most services as they should be, some still as they were.
import type { ConfigFile, ServiceSpec, StackSpec } from '../stack/stack-spec.ts';
import type { ObservedService } from './cluster-state.ts';

/**
 * Whether a service can be deployed once more exactly as it runs: the last stack describes what runs, and its secrets
 * are still those of the desired one (an old secret's content is nowhere to be had, and a new shared secret must reach
 * all who share it at once).
 */
export function canStay(observed: ObservedService, currentStack: StackSpec | null, desired: StackSpec): boolean {
  const spec = findService(currentStack, observed.name);
  if (spec === undefined || currentStack === null || spec.hash !== observed.specHash) return false;
  return spec.secrets.every((name) => {
    const now = swarmNameOf(desired, name);
    return now !== undefined && now === swarmNameOf(currentStack, name);
  });
}

/** The desired stack, with the services named in `staying` as `currentStack` has them, or without those it lacks. */
export function mergeStacks(desired: StackSpec, currentStack: StackSpec | null, staying: readonly string[]): StackSpec {
  if (staying.length === 0) return desired;
  const old = staying.flatMap((name) => findService(currentStack, name) ?? []);
  const services = [...desired.services.filter((spec) => !staying.includes(spec.name)), ...old];
  if (currentStack === null || old.length === 0) return { ...desired, services };
  const mounted = new Set(old.flatMap((spec) => spec.configs.map((mount) => mount.config)));
  const oldConfigs = currentStack.configs.filter((config) => mounted.has(config.name));
  const oldVolumes = old.flatMap((spec) => spec.volumes.map((mount) => mount.volume));
  return {
    ...desired,
    services,
    configs: [...desired.configs, ...withoutKnown(oldConfigs, desired.configs).map(besideItsSuccessor)],
    volumes: [...new Set([...desired.volumes, ...oldVolumes])],
  };
}

function withoutKnown(configs: readonly ConfigFile[], known: readonly ConfigFile[]): readonly ConfigFile[] {
  const names = new Set(known.map((config) => config.name));
  return configs.filter((config) => !names.has(config.name));
}

/** Two versions of one file stand in the same folder. */
function besideItsSuccessor(config: ConfigFile): ConfigFile {
  return { ...config, file: `previous-${config.file}` };
}

function findService(stack: StackSpec | null, name: string): ServiceSpec | undefined {
  return stack?.services.find((spec) => spec.name === name);
}

function swarmNameOf(stack: StackSpec, secret: string): string | undefined {
  return stack.secrets.find((candidate) => candidate.name === secret)?.swarmName;
}
