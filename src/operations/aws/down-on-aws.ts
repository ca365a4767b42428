// Use case `aws down`: nothing but disks is paid for any more, and all data stays.
import { SparkPlugError } from '../../errors.ts';
import { step } from '../../progress.ts';
import { registryPorts, webPorts } from '../choose-port.ts';
import type { ProjectChoice } from '../open-project.ts';
import type { AwsParts } from './aws-parts.ts';
import { addressOf } from './aws-run.ts';
import { listIngress, parseSource, setIngress } from './ensure-network.ts';
import { type Fleet, findFleet, isAlive } from './find-fleet.ts';
import { startGeneration } from './launch-instance.ts';
import { type AwsWork, noCluster, type OpenedAws, openAws, openGate } from './open-aws.ts';
import { tagKeys } from './tags.ts';

export interface AwsDownOptions extends AwsWork {
  readonly identityFile: string | null;
  readonly from: string | null;
  readonly confirm: (question: string) => Promise<boolean>;
}

export interface AwsDownReport {
  readonly projectId: string;
  readonly stopped: readonly string[];
  /** Spot instances and those of groups: they cannot be stopped, and nothing is stored on them. */
  readonly terminated: readonly string[];
}

const stopSeconds = 600;

/**
 * Stops the cluster, ends what cannot be stopped, stops the rest. A second call changes nothing.
 * @throws SparkPlugError AWS_NO_CLUSTER, AWS_OTHER_ACCOUNT, USAGE where it was not confirmed
 */
export async function takeDownOnAws(
  choice: ProjectChoice,
  options: AwsDownOptions,
  parts: AwsParts,
): Promise<AwsDownReport> {
  const { aws } = parts;
  const { report, signal } = options;
  const opened = await openAws(choice, parts);
  const { projectId, region } = opened;
  const fleet = await findFleet(aws, projectId);
  if (fleet.network === null || fleet.conductor === null) throw noCluster(region);
  const mortal = [...fleet.followers.filter(({ spot }) => spot), ...fleet.groupMembers];
  await confirmEnd(options, mortal.length);
  await stopCluster(choice, options, parts, opened, fleet);
  for (const { name, max, min } of fleet.groups) {
    if (min === 0 && max === 0) continue;
    await step(report, `empty the group ${name}`, () => aws.scaling.resizeGroup(name, { min: 0, max: 0, desired: 0 }));
  }
  const ending = mortal.map(({ id }) => id);
  if (ending.length > 0) {
    await step(report, `terminate ${ending.length} of spot and groups`, async () => {
      if (fleet.network !== null) await startGeneration(aws, fleet.network);
      await aws.ec2.terminateInstances(ending);
      await aws.ec2.awaitInstances(ending, 'terminated', { maxSeconds: stopSeconds, signal });
    });
  }
  const lasting = [...fleet.followers.filter(({ spot }) => !spot), fleet.conductor].filter(
    ({ state }) => state !== 'stopped',
  );
  const stopping = lasting.map(({ id }) => id);
  if (stopping.length > 0) {
    await step(report, `stop ${stopping.length} ${stopping.length === 1 ? 'machine' : 'machines'}`, async () => {
      const pending = lasting.filter(({ state }) => state === 'pending').map(({ id }) => id);
      if (pending.length > 0) await aws.ec2.awaitInstances(pending, 'running', { maxSeconds: stopSeconds, signal });
      await aws.ec2.stopInstances(stopping);
      await aws.ec2.awaitInstances(stopping, 'stopped', { maxSeconds: stopSeconds, signal });
    });
  }
  await refuseRunning(parts, projectId);
  return { projectId, stopped: stopping, terminated: ending };
}

async function confirmEnd({ confirm }: AwsDownOptions, count: number): Promise<void> {
  if (count === 0) return;
  const question = `${count} spot or group ${count === 1 ? 'machine is' : 'machines are'} terminated (nothing is stored there); the others are stopped. Go on?`;
  if (await confirm(question)) return;
  throw new SparkPlugError('USAGE', 'nothing was stopped', { hint: 'answer y, or give --yes' });
}

/** Orderly where the conductor answers; a machine that is switched off loses nothing that was written. */
async function stopCluster(
  choice: ProjectChoice,
  options: AwsDownOptions,
  parts: AwsParts,
  { projectId, project }: OpenedAws,
  { conductor, network, followers, groupMembers }: Fleet,
): Promise<void> {
  const { report, signal, identityFile } = options;
  if (conductor?.state !== 'running' || network === null) return;
  const gate = await openGate(parts, { choice, projectId, identityFile, conductorId: conductor.id, report, signal });
  try {
    const from = parseSource(options.from ?? (await parts.findOwnAddress()));
    const web = project.state?.webPort ?? webPorts.first;
    const registry = project.state?.registryPort ?? registryPorts.first;
    await setIngress(parts.aws, network, listIngress({ from, web, registry }));
    await gate.reach(addressOf(conductor));
    await gate.stop();
    await gate.forget([...followers.filter(({ spot }) => spot), ...groupMembers].map(({ hostname }) => hostname));
  } catch (error) {
    if (!(error instanceof SparkPlugError) || !isSilence(error)) throw error;
    report({ kind: 'warning', text: `the cluster could not be stopped first (${error.message}); its machines are` });
  }
}

function isSilence({ code, exitCode }: SparkPlugError): boolean {
  return exitCode === 3 || code === 'AWS_INSTANCE_SILENT' || code === 'DOCKER_NOT_RUNNING' || code === 'DOCKER_STUCK';
}

/** @throws SparkPlugError AWS_LEFT_BEHIND */
async function refuseRunning({ aws }: AwsParts, projectId: string): Promise<void> {
  const instances = await aws.ec2.findInstances({ [tagKeys.project]: projectId });
  const running = instances.filter((instance) => isAlive(instance) && !instance.state.startsWith('stop'));
  if (running.length === 0) return;
  throw new SparkPlugError('AWS_LEFT_BEHIND', 'machines of the project still run', {
    met: running.map(({ id, state }) => `${id} (${state})`).join(', '),
    hint: 'sparkplug aws down once more',
  });
}
