// Use case `tune`: which worker uses most cores of these machines, and on request that worker in the project file.
import { readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkerShape } from '../config/cluster-config.ts';
import { findProject, projectFile } from '../config/find-project.ts';
import { writeAtomically } from '../config/write-atomically.ts';
import { setWorker } from '../config/write-worker.ts';
import type { Machine } from '../plan/cluster-plan.ts';
import { parseMachines } from '../plan/parse-machine.ts';
import { isSame, type TunedShape, type Tuning, tuneWorkers, weighShape } from '../plan/tune-workers.ts';
import { openConfig, openProject, type ProjectChoice } from './open-project.ts';
import { surveyMachines } from './survey-machines.ts';

/** Documented shape of `tune -o json`. */
export interface TuneReport extends Tuning {
  /** The worker that holds now: the file's, or what `auto` was settled to; null before the first `up`. */
  readonly now: TunedShape | null;
  /** True when this call wrote the best worker into the project file. */
  readonly applied: boolean;
  /** Commands that make sense now. */
  readonly next: readonly string[];
}

interface TuneRequest {
  /** `8c16g`, `2c4g*3`: machines one only thinks of; empty for those that there are, which takes Docker. */
  readonly machines: readonly string[];
  /** Writes the best worker into the project file. */
  readonly apply: boolean;
}

/** @throws SparkPlugError NO_ROOM when no machine can hold a worker, and what opening the project throws */
export async function tuneProject(choice: ProjectChoice, { machines: texts, apply }: TuneRequest): Promise<TuneReport> {
  const dir = await findProject(choice.fromDir);
  const config = await openConfig(dir, choice.overrides);
  const { machines, settled } = texts.length > 0 ? thinkOf(texts) : await survey(choice);
  const tuning = tuneWorkers(config, machines);
  const holding = config.spark.worker === 'auto' ? settled : config.spark.worker;
  const now = holding === null ? null : weighShape(config, machines, holding, tuning.best);
  const isWritten = config.spark.worker !== 'auto' && isSame(config.spark.worker, tuning.best);
  const applied = apply && !isWritten;
  if (applied) await applyWorker(dir, tuning.best);
  return { ...tuning, now, applied, next: suggestNext(applied, isWritten) };
}

function thinkOf(texts: readonly string[]): { readonly machines: readonly Machine[]; readonly settled: null } {
  return { machines: parseMachines(texts), settled: null };
}

async function survey(
  choice: ProjectChoice,
): Promise<{ readonly machines: readonly Machine[]; readonly settled: WorkerShape | null }> {
  const { docker, state } = await openProject(choice);
  return { machines: await surveyMachines(docker, state?.id ?? null), settled: state?.workerShape ?? null };
}

/** Where the project file is a link, what it leads to is written. */
async function applyWorker(dir: string, { executors, cores, memoryMiB }: WorkerShape): Promise<void> {
  const file = await realpath(join(dir, projectFile));
  const [text, { mode }] = await Promise.all([readFile(file, 'utf8'), stat(file)]);
  await writeAtomically(file, setWorker(text, { executors, cores, memoryMiB }), mode & 0o777);
}

function suggestNext(applied: boolean, isWritten: boolean): readonly string[] {
  if (applied) return ['sparkplug up'];
  return isWritten ? [] : ['sparkplug tune --apply'];
}
