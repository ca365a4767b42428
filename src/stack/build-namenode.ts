// namenode: formats its volume only when it is empty.
import { type BuildContext, mountCoreSite, mountHdfsSite } from './build-context.ts';
import { draftService, type ServiceDraft } from './service-draft.ts';

export function buildNamenode(context: BuildContext): ServiceDraft {
  return {
    ...draftService(context, 'namenode'),
    image: context.desired.images.hdfs,
    env: {
      SPARKPLUG_CLUSTER_ID: context.desired.projectId,
      SPARKPLUG_HEAP_MIB: String(context.plan.sizing.namenode.heapMiB),
    },
    configs: [mountCoreSite(context.configs.coreSite), mountHdfsSite(context.configs.hdfsSite)],
    volumes: [{ volume: 'namenode', target: '/data' }],
  };
}
