import type { ObservedService } from '../engine/cluster-state.ts';
import { SparkPlugError } from '../errors.ts';

/**
 * The service of this name; `spark-worker` and `datanode` mean the first of theirs.
 * @throws SparkPlugError COMPONENT_UNKNOWN
 */
export function findComponent(services: readonly ObservedService[], name: string): ObservedService {
  const found =
    services.find((service) => service.name === name) ?? services.find((service) => service.component === name);
  if (found !== undefined) return found;
  throw new SparkPlugError('COMPONENT_UNKNOWN', `this cluster has no component ${name}`, {
    met: name,
    hint: `one of: ${services.map((service) => service.name).join(', ')}`,
  });
}
