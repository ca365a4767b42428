// How much of the cluster one run gets, by what stands at that moment. Pure.
import type { RunShare } from '../runs/run-context.ts';
import type { DesiredState } from '../stack/desired-state.ts';
import type { StackSpec } from '../stack/stack-spec.ts';

/** `stack`: the last one that was applied. */
export function shareOfRun(stack: StackSpec, { config, workerShape }: DesiredState): RunShare {
  const { spark, runs, hdfs } = config;
  const shape = spark.worker === 'auto' ? workerShape : spark.worker;
  const count = (component: string): number =>
    stack.services.filter((service) => service.component === component).length;
  const cores = Math.floor((count('spark-worker') * shape.executors * shape.cores) / runs.parallel);
  return {
    // A single run takes what there is, and what joins while it is at work. An executor is the least that is a share.
    coresMax: runs.parallel === 1 ? null : Math.max(shape.cores, cores),
    replication: hdfs.replication === 'auto' ? Math.min(3, Math.max(1, count('datanode'))) : hdfs.replication,
    eventLog: count('history') > 0,
  };
}
