// How far a job is, from Spark's list of stages: pure arithmetic.
import type { SparkStage } from '../adapters/spark/spark-driver.ts';
import type { Progress } from '../api/schemas.ts';

/**
 * Counts stages and tasks. A stage tried again counts once, by its last try; a skipped one (its output is there
 * already) counts nowhere, so that the bar reaches its end. Null while Spark has not planned any stage.
 */
export function measureProgress(stages: readonly SparkStage[]): Progress | null {
  const counted = [...lastTries(stages).values()].filter((stage) => stage.state !== 'SKIPPED');
  if (counted.length === 0) return null;
  const done = counted.filter((stage) => stage.state === 'COMPLETE');
  const active = counted.filter((stage) => stage.state === 'ACTIVE').sort((a, b) => a.id - b.id);
  return {
    stagesDone: done.length,
    stagesTotal: counted.length,
    tasksDone: counted.reduce((sum, stage) => sum + tasksDone(stage), 0),
    tasksTotal: counted.reduce((sum, stage) => sum + stage.tasks, 0),
    stage: active[0]?.name ?? null,
  };
}

/** Speculative and repeated tasks make more completions than tasks. */
function tasksDone(stage: SparkStage): number {
  return stage.state === 'COMPLETE' ? stage.tasks : Math.min(stage.tasksDone, stage.tasks);
}

function lastTries(stages: readonly SparkStage[]): Map<number, SparkStage> {
  const last = new Map<number, SparkStage>();
  for (const stage of stages) {
    const other = last.get(stage.id);
    if (other === undefined || other.attempt < stage.attempt) last.set(stage.id, stage);
  }
  return last;
}
