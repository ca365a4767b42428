// spark-driver: the user's app, idle without a JVM until the scheduler hands it a run.
import { type BuildContext, mountSpark } from './build-context.ts';
import { jobSecrets } from './job-secrets.ts';
import { draftService, type ServiceDraft } from './service-draft.ts';

export function buildSparkDriver(context: BuildContext): ServiceDraft {
  const { desired, plan } = context;
  return {
    ...draftService(context, 'spark-driver'),
    replicas: plan.parallelRuns,
    image: context.driverImage,
    command: ['driver'],
    env: {
      SPARKPLUG_DRIVER_HEAP_MIB: String(plan.sizing['spark-driver'].heapMiB),
    },
    configs: [mountSpark(context.configs.sparkDriver)],
    secrets: ['spark_auth', ...jobSecrets(desired)],
    // The job gets 8 s of it to end by itself.
    stopGraceMs: 12_000,
  };
}
