// A shell on a machine, however it is reached: inside its container, or over SSH.
import type { ContainerCalls } from './docker/docker.ts';

export interface ShellResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

export interface ShellOptions {
  /** For the script's standard input; without it standard input is empty. */
  readonly input?: string;
  readonly signal?: AbortSignal | undefined;
}

/** Runs scripts of POSIX sh as root. A failing script is a value; only a machine that cannot be reached throws. */
export interface MachineShell {
  run(script: string, options?: ShellOptions): Promise<ShellResult>;
}

/** The shell of a machine that is a container. @throws SparkPlugError DOCKER_FAILED where it does not run */
export function createContainerShell(docker: Pick<ContainerCalls, 'exec'>, container: string): MachineShell {
  return {
    run: (script, { input, signal } = {}) =>
      input === undefined
        ? docker.exec(container, ['sh', '-s'], { input: wrapScript(script), signal })
        : docker.exec(container, ['sh', '-c', script], { input, signal }),
  };
}

/**
 * A script may hold passwords, so it goes through standard input and not into a command line, which every user of the
 * machine can read. Read as a whole before its first command runs: none of them can swallow the rest.
 */
export function wrapScript(script: string): string {
  return `{\n${script}\n} </dev/null\n`;
}
