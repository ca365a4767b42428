import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SparkStage } from '../adapters/spark/spark-driver.ts';
import { measureProgress } from './stage-progress.ts';

function stage(id: number, state: SparkStage['state'], tasks: number, tasksDone: number, attempt = 0): SparkStage {
  return { id, attempt, state, name: `stage ${id}`, tasks, tasksDone };
}

test('no stage, no progress', () => {
  assert.equal(measureProgress([]), null);
  assert.equal(measureProgress([stage(0, 'SKIPPED', 4, 0)]), null);
});

test('skipped stages count nowhere, so that the bar reaches its end', () => {
  const stages = [stage(0, 'COMPLETE', 4, 4), stage(1, 'SKIPPED', 200, 0), stage(2, 'COMPLETE', 2, 2)];
  assert.deepEqual(measureProgress(stages), {
    stagesDone: 2,
    stagesTotal: 2,
    tasksDone: 6,
    tasksTotal: 6,
    stage: null,
  });
});

test('a stage tried again counts once, by its last try', () => {
  const stages = [stage(0, 'ACTIVE', 4, 1, 1), stage(0, 'FAILED', 4, 3, 0), stage(1, 'PENDING', 8, 0)];
  const expected = { stagesDone: 0, stagesTotal: 2, tasksDone: 1, tasksTotal: 12, stage: 'stage 0' };
  assert.deepEqual(measureProgress(stages), expected);
});

test('speculative tasks do not count beyond the tasks there are', () => {
  assert.equal(measureProgress([stage(0, 'ACTIVE', 4, 6)])?.tasksDone, 4);
});
