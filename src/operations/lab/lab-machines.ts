// Machines of a lab one by one: made, booted, shaped, cut off and stopped.
import pWaitFor from 'p-wait-for';
import type { Docker } from '../../adapters/docker/docker.ts';
import { SparkPlugError } from '../../errors.ts';
import { type BuiltMachine, shellOf } from './find-lab.ts';
import { type LabLink, readLink, renderLinkCommand } from './lab-link.ts';

/** A machine boots in about a second; a loaded computer takes longer. */
const bootTimeoutMs = 60_000;
const pollMs = 200;
const shownLogLines = 5;

/** Starts the machine and waits until its engine answers. @throws SparkPlugError LAB_MACHINE_FAILED */
export async function bootMachine(docker: Docker, machine: BuiltMachine, signal?: AbortSignal): Promise<void> {
  if (!machine.running) await docker.run(['start', machine.containerId], { signal });
  await awaitEngine(docker, machine, signal);
}

/** Waits until the engine inside answers. @throws SparkPlugError LAB_MACHINE_FAILED with its last words */
export async function awaitEngine(docker: Docker, machine: BuiltMachine, signal?: AbortSignal): Promise<void> {
  let answered = false;
  let ended = false;
  const isUp = async () => {
    const container = await docker.inspectContainer(machine.containerId);
    ended = container?.running !== true;
    if (!ended) {
      const { exitCode } = await docker.tryRun(['exec', machine.containerId, 'docker', 'info'], { signal });
      answered = exitCode === 0;
    }
    return answered || ended;
  };
  await pWaitFor(isUp, {
    interval: pollMs,
    timeout: { milliseconds: bootTimeoutMs, fallback: () => {} },
    ...(signal === undefined ? {} : { signal }),
  });
  if (answered) return;
  const lines: string[] = [];
  for await (const line of docker.logs(machine.containerId, { tail: shownLogLines })) lines.push(line);
  throw new SparkPlugError(
    'LAB_MACHINE_FAILED',
    ended ? 'The machine stopped while it booted.' : 'The engine of the machine does not answer.',
    { place: machine.name, met: lines.join(' | ').slice(-600), hint: 'sparkplug lab up tries again' },
  );
}

/** Runs a command of the machine itself. @throws SparkPlugError LAB_MACHINE_FAILED */
export async function runOnMachine(
  docker: Pick<Docker, 'exec'>,
  machine: BuiltMachine,
  script: string,
  signal?: AbortSignal,
): Promise<string> {
  const { exitCode, stdout, stderr } = await shellOf(docker, machine).run(script, { signal });
  if (exitCode === 0) return stdout;
  throw new SparkPlugError('LAB_MACHINE_FAILED', 'A command failed on the machine.', {
    place: machine.name,
    met: (stderr.trim() || stdout.trim()).slice(-600),
    hint: 'sparkplug lab up tries again',
  });
}

/** @throws SparkPlugError LAB_LINK_UNSUPPORTED */
export async function shapeLink(docker: Docker, machine: BuiltMachine, link: LabLink): Promise<void> {
  const { exitCode, stderr } = await shellOf(docker, machine).run(renderLinkCommand(link));
  if (exitCode === 0) return;
  throw new SparkPlugError('LAB_LINK_UNSUPPORTED', "This computer's kernel cannot shape a link so.", {
    place: '--link',
    met: stderr.trim(),
    hint:
      link.delay === null
        ? 'It lacks the module sch_tbf: modprobe sch_tbf'
        : 'A delay needs the module sch_netem (modprobe sch_netem); bandwidth alone does not: `--link 100mbit`.',
  });
}

/** Whether it is cut, and its shape; null where the machine does not answer. */
export async function askLink(docker: Docker, machine: BuiltMachine): Promise<ReturnType<typeof readLink> | null> {
  const { exitCode, stdout } = await shellOf(docker, machine).run('shape-link show');
  return exitCode === 0 ? readLink(stdout) : null;
}
