// spark-worker-N: offers cores and executor heap; Spark counts heap only, the container's limit holds the rest.
import type { Placement } from '../plan/cluster-plan.ts';
import { type BuildContext, mountSpark } from './build-context.ts';
import { imageOn } from './image-on.ts';
import { jobSecrets } from './job-secrets.ts';
import { draftFollower, type ServiceDraft } from './service-draft.ts';

export function buildSparkWorker(context: BuildContext, placement: Placement): ServiceDraft {
  const { desired, plan } = context;
  const { worker } = plan;
  return {
    ...draftFollower(context, 'spark-worker', placement, plan.sizing['spark-worker']),
    image: imageOn(context, 'worker', placement.machineId),
    command: ['worker'],
    env: {
      SPARKPLUG_HEAP_MIB: String(worker.daemonHeapMiB),
      SPARK_WORKER_CORES: String(worker.executors * worker.cores),
      SPARK_WORKER_MEMORY: `${worker.executors * worker.heapMiB}m`,
    },
    configs: [mountSpark(context.configs.sparkDaemons)],
    secrets: ['spark_auth', ...jobSecrets(desired)],
  };
}
