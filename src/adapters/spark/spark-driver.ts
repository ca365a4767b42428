// What a running driver says about its job: Spark's monitoring REST API on port 4040 of the driver's own address.
import { z } from 'zod';
import { type FetchOptions, fetchJson } from '../fetch-json.ts';

export type StageState = 'ACTIVE' | 'COMPLETE' | 'PENDING' | 'SKIPPED' | 'FAILED';

export interface SparkStage {
  readonly id: number;
  readonly attempt: number;
  readonly state: StageState;
  readonly name: string;
  readonly tasks: number;
  readonly tasksDone: number;
}

const Applications = z.array(z.object({ id: z.string() }));
const Stages = z.array(
  z.object({
    stageId: z.number(),
    attemptId: z.number(),
    status: z.enum(['ACTIVE', 'COMPLETE', 'PENDING', 'SKIPPED', 'FAILED']),
    name: z.string(),
    numTasks: z.number(),
    numCompleteTasks: z.number(),
  }),
);
const Executors = z.array(
  z.object({
    id: z.string(),
    isActive: z.boolean(),
    completedTasks: z.number(),
    removeReason: z.string().optional(),
  }),
);
const Environment = z.object({ sparkProperties: z.array(z.tuple([z.string(), z.string()])) });

/** The application's id as the master knows it; null while the driver has none yet. */
export async function readApplicationId(baseUrl: string, options: FetchOptions): Promise<string | null> {
  const applications = await fetchJson(`${baseUrl}/api/v1/applications`, Applications, options);
  return applications[0]?.id ?? null;
}

/** All stages Spark still remembers (`spark.ui.retainedStages`, 1000 by default). */
export async function readStages(baseUrl: string, app: string, options: FetchOptions): Promise<SparkStage[]> {
  const stages = await fetchJson(`${baseUrl}/api/v1/applications/${app}/stages`, Stages, options);
  return stages.map((stage) => ({
    id: stage.stageId,
    attempt: stage.attemptId,
    state: stage.status,
    name: stage.name,
    tasks: stage.numTasks,
    tasksDone: stage.numCompleteTasks,
  }));
}

export interface SparkExecutor {
  readonly id: string;
  readonly active: boolean;
  readonly tasksDone: number;
  /** Why it ended; null while it lives or where Spark does not say. */
  readonly removeReason: string | null;
}

/** All executors that the application had so far, those that ended too; without the driver itself. */
export async function readExecutors(baseUrl: string, app: string, options: FetchOptions): Promise<SparkExecutor[]> {
  const executors = await fetchJson(`${baseUrl}/api/v1/applications/${app}/allexecutors`, Executors, options);
  return executors
    .filter(({ id }) => id !== 'driver')
    .map(({ id, isActive, completedTasks, removeReason = null }) => ({
      id,
      active: isActive,
      tasksDone: completedTasks,
      removeReason,
    }));
}

/** The application's Spark settings; Spark itself redacts those that look secret. */
export async function readSparkSettings(
  baseUrl: string,
  app: string,
  options: FetchOptions,
): Promise<ReadonlyMap<string, string>> {
  const environment = await fetchJson(`${baseUrl}/api/v1/applications/${app}/environment`, Environment, options);
  return new Map(environment.sparkProperties);
}
