// checkpointer: folds the NameNode's edits into its image, else they grow without bound.
import { type BuildContext, mountCoreSite, mountHdfsSite } from './build-context.ts';
import { draftService, type ServiceDraft } from './service-draft.ts';

export function buildCheckpointer(context: BuildContext): ServiceDraft {
  return {
    ...draftService(context, 'checkpointer'),
    image: context.desired.images.hdfs,
    env: { SPARKPLUG_HEAP_MIB: String(context.plan.sizing.checkpointer.heapMiB) },
    configs: [mountCoreSite(context.configs.coreSite), mountHdfsSite(context.configs.hdfsSite)],
    volumes: [{ volume: 'checkpointer', target: '/data' }],
  };
}
