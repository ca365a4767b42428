// datanode-N: a service each, so that name, volume and identity stay together and the one to remove is ours to choose.
import type { DatanodePlacement } from '../plan/cluster-plan.ts';
import { type BuildContext, mountCoreSite, mountHdfsSite } from './build-context.ts';
import { imageOn } from './image-on.ts';
import { draftFollower, type ServiceDraft } from './service-draft.ts';

export function buildDatanode(context: BuildContext, placement: DatanodePlacement): ServiceDraft {
  const draft = draftFollower(context, 'datanode', placement, placement.sizing);
  return {
    ...draft,
    image: imageOn(context, 'hdfs', placement.machineId),
    command: ['datanode'],
    env: {
      SPARKPLUG_HEAP_MIB: String(placement.sizing.heapMiB),
      // Filled in by Swarm: where it really runs, also in a stack that names no machines.
      SPARKPLUG_MACHINE: '{{.Node.ID}}',
    },
    configs: [mountCoreSite(context.configs.coreSite), mountHdfsSite(context.configs.datanodeSite)],
    volumes: [{ volume: draft.name, target: '/data' }],
  };
}
