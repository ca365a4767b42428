import { SparkPlugError } from '../../errors.ts';
import { locateProject, type ProjectChoice } from '../open-project.ts';

/** The region that the project has its machines in; null where none is noted or there is no project. */
export async function findNotedRegion(choice: ProjectChoice): Promise<string | null> {
  try {
    return (await locateProject(choice)).state?.aws?.region ?? null;
  } catch (error) {
    if (error instanceof SparkPlugError && error.code === 'PROJECT_MISSING') return null;
    throw error;
  }
}
