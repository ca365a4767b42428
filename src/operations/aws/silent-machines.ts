// Machines that were launched and never reported: what they say on their console, and their end.
import type { Aws } from '../../adapters/ec2/ec2.ts';
import type { SecurityGroup } from '../../adapters/ec2/network-calls.ts';
import { SparkPlugError } from '../../errors.ts';
import { summarizeFailures } from '../machines/add-machines.ts';
import type { MachineFailure } from '../machines/machine-provider.ts';
import type { ConductorGate } from './aws-parts.ts';
import { startGeneration } from './launch-instance.ts';

const shownLines = 6;

interface Joining {
  readonly failures: readonly MachineFailure[];
  readonly gate: ConductorGate;
  readonly network: SecurityGroup;
}

/**
 * Says what went wrong with followers. Those that the Swarm has never seen are terminated: nothing is on them, and they
 * would cost as much as others.
 * @throws SparkPlugError AWS_INSTANCE_SILENT, MACHINES_FAILED, or what the only failure was
 */
export async function refuseSilent(aws: Pick<Aws, 'ec2'>, { failures, gate, network }: Joining): Promise<void> {
  if (failures.length === 0) return;
  const late = failures.filter(({ key, error }) => key.startsWith('i-') && error.code === 'CLUSTER_NOT_READY');
  const present = late.length === 0 ? [] : await gate.leaving.machines();
  const told: MachineFailure[] = [];
  for (const failure of failures) {
    const isSilent = late.includes(failure) && !present.some(({ name }) => name === failure.error.place);
    told.push(isSilent ? { key: failure.key, error: await endSilent(aws, failure.key, network) } : failure);
  }
  const error = summarizeFailures({ failures: told, machines: [] }, 'added');
  if (error !== null) throw error;
}

async function endSilent(aws: Pick<Aws, 'ec2'>, id: string, network: SecurityGroup): Promise<SparkPlugError> {
  const output = await aws.ec2.consoleOutput(id);
  await startGeneration(aws, network);
  await aws.ec2.terminateInstances([id]);
  return new SparkPlugError('AWS_INSTANCE_SILENT', `${id} was launched and never joined; it is terminated again`, {
    place: id,
    met: lastLines(output),
    hint: 'the same command launches another; where it says nothing of itself, look whether its subnet leads to the internet',
  });
}

/** The end of a console, which is what explains a failure. */
export function lastLines(output: string): string {
  const lines = output.split('\n').map((line) => line.trim());
  return lines.filter(Boolean).slice(-shownLines).join(' | ').slice(-600) || 'its console has said nothing yet';
}
