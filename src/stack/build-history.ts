// history: Spark's history server, which shows applications that have ended; optional.
import { type BuildContext, mountSpark } from './build-context.ts';
import { draftService, type ServiceDraft } from './service-draft.ts';

/** One service, or none where the plan leaves it out. */
export function buildHistory(context: BuildContext): readonly ServiceDraft[] {
  const { sparkHistory } = context.configs;
  if (sparkHistory === null) return [];
  return [
    {
      ...draftService(context, 'history'),
      image: context.desired.images.spark,
      env: { SPARKPLUG_HEAP_MIB: String(context.plan.sizing.history.heapMiB) },
      configs: [mountSpark(sparkHistory)],
    },
  ];
}
