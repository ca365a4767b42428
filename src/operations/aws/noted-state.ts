// What the folder remembers of its cluster, also for verbs that work outside of a project.
import type { ProjectState } from '../../config/project-state.ts';
import { SparkPlugError } from '../../errors.ts';
import { locateProject, type ProjectChoice } from '../open-project.ts';

/** Null where there is no project, or one without a cluster. */
export async function readNotedState(choice: ProjectChoice): Promise<ProjectState | null> {
  try {
    return (await locateProject(choice)).state;
  } catch (error) {
    if (error instanceof SparkPlugError && error.code === 'PROJECT_MISSING') return null;
    throw error;
  }
}
