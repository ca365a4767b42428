// spark-master: remembers applications and workers on its volume, so that they outlive its restart.
import { type BuildContext, mountSpark } from './build-context.ts';
import { draftService, type ServiceDraft } from './service-draft.ts';

export function buildSparkMaster(context: BuildContext): ServiceDraft {
  return {
    ...draftService(context, 'spark-master'),
    image: context.desired.images.spark,
    command: ['master'],
    env: { SPARKPLUG_HEAP_MIB: String(context.plan.sizing['spark-master'].heapMiB) },
    configs: [mountSpark(context.configs.sparkDaemons)],
    secrets: ['spark_auth'],
    volumes: [{ volume: 'spark-master', target: '/data' }],
  };
}
