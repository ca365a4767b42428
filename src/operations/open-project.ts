// Which project, which engine, which cluster: what nearly every verb begins with.
import { createDocker, type Docker } from '../adapters/docker/docker.ts';
import { findEngineHost } from '../adapters/docker/find-engine-host.ts';
import type { ClusterConfig } from '../config/cluster-config.ts';
import { findProject } from '../config/find-project.ts';
import { createProjectId, type ProjectState, readProjectState, writeProjectState } from '../config/project-state.ts';
import { readConfig } from '../config/read-config.ts';

/** What the shared flags say. */
export interface ProjectChoice {
  /** The project is looked for here and above. */
  readonly fromDir: string;
  /** `spark.workers=2`: beats the file. */
  readonly overrides: readonly string[];
  /** Docker context; beats the environment and what the project remembers. */
  readonly context?: string;
}

/** A project folder and the engine its cluster lives in; the project file is not read. */
export interface LocatedProject {
  readonly dir: string;
  /** Null before the first command that needs an id. */
  readonly state: ProjectState | null;
  /** Null: what Docker itself takes by default. */
  readonly context: string | null;
  readonly docker: Docker;
  /**
   * Host of the engine's machine, null for this computer: what the cluster publishes is there. Asked when it is needed.
   * @throws SparkPlugError DOCKER_CONTEXT_MISSING
   */
  readonly findHost: () => Promise<string | null>;
}

export interface OpenedProject extends LocatedProject {
  readonly config: ClusterConfig;
}

/**
 * Finds the project without reading its file, so that a file with mistakes does not keep one from a running cluster.
 * @throws SparkPlugError PROJECT_MISSING
 */
export async function locateProject(choice: ProjectChoice): Promise<LocatedProject> {
  const dir = await findProject(choice.fromDir);
  const state = await readProjectState(dir);
  const context = chooseContext(choice.context, process.env, state);
  const docker = createDocker(context === null ? {} : { context });
  let host: Promise<string | null> | null = null;
  const findHost = (): Promise<string | null> => {
    host ??= findEngineHost(docker, process.env);
    return host;
  };
  return { dir, state, context, docker, findHost };
}

/** @throws SparkPlugError PROJECT_MISSING, CONFIG_UNREADABLE, CONFIG_INVALID */
export async function openProject(choice: ProjectChoice): Promise<OpenedProject> {
  const dir = await findProject(choice.fromDir);
  const config = await openConfig(dir, choice.overrides);
  return { ...(await locateProject(choice)), config };
}

/** The project file with the flags that beat it. */
export async function openConfig(dir: string, overrides: readonly string[]): Promise<ClusterConfig> {
  return await readConfig(dir, parseOverrides(overrides));
}

/** Gives the project its id where it has none yet, and remembers it. */
export async function ensureProjectState(project: OpenedProject): Promise<ProjectState> {
  if (project.state !== null) return project.state;
  const state: ProjectState = {
    id: createProjectId(project.config.name),
    webPort: null,
    registryPort: null,
    datanodes: [],
    webTrust: [{ kind: 'plain' }],
    context: null,
    aws: null,
    workerShape: null,
  };
  await writeProjectState(project.dir, state);
  return state;
}

/** As everywhere in Docker's world the flag beats the environment; what the project remembers comes last. */
export function chooseContext(
  flag: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  state: Pick<ProjectState, 'context'> | null,
): string | null {
  if (flag !== undefined) return flag;
  if (env.DOCKER_HOST || env.DOCKER_CONTEXT) return null;
  return state?.context ?? null;
}

/** `key=value` texts; the last of a key wins. */
function parseOverrides(texts: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}
