// What the verbs of `aws` work with: the account, the way to the conductor, machine images.
import type { Aws } from '../../adapters/ec2/ec2.ts';
import { SparkPlugError } from '../../errors.ts';
import type { Report } from '../../progress.ts';
import type { JoiningCluster } from '../machines/add-machines.ts';
import type { LeavingCluster } from '../machines/remove-machines.ts';
import type { JoinOrder } from '../machines/render-join-script.ts';
import type { ProjectChoice } from '../open-project.ts';
import type { UpReport } from '../up.ts';

/** The conductor's machine as it can be reached. */
export interface ConductorAddress {
  readonly publicAddress: string;
  /** As the other machines reach it. */
  readonly privateAddress: string;
}

/** The cluster behind the conductor's machine: all that is done inside of it and not with AWS. */
export interface ConductorGate {
  /**
   * Waits until its engine can be spoken to, and turns the project to it.
   * @throws SparkPlugError AWS_INSTANCE_SILENT, HOST_KEY_CHANGED
   */
  reach(conductor: ConductorAddress): Promise<void>;
  /** The ordinary `up` there. `expectMachines`: followers find a registry. */
  bringUp(conductor: ConductorAddress, options: { readonly expectMachines: boolean }): Promise<UpReport>;
  readonly joining: JoiningCluster;
  readonly leaving: LeavingCluster;
  /** The order by which followers join from now on; the one before is worth nothing any more. */
  renewJoinOrder(conductor: ConductorAddress): Promise<JoinOrder>;
  /** Stops the cluster; data stays where it is. */
  stop(): Promise<void>;
  /** Makes the Swarm forget machines that are no more; names that it does not know are no error. */
  forget(hostnames: readonly string[]): Promise<void>;
  /** Takes the way to the conductor back from this computer. */
  close(): Promise<void>;
}

export interface GateOpening {
  readonly choice: ProjectChoice;
  readonly projectId: string;
  /** Instance of the conductor; empty where it is not to be reached. */
  readonly conductorId: string;
  /** Private SSH key; null: whatever OpenSSH finds. */
  readonly identityFile: string | null;
  /** What the machine has written to its console, as far as AWS tells. */
  readonly readConsole: () => Promise<string>;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** A machine image to start from. */
export interface MachineImage {
  readonly id: string;
  /** `/dev/xvda` */
  readonly rootDevice: string;
  /** A machine's disk is at least so large. */
  readonly leastDiskGiB: number;
}

/** Where machine images of this version come from: found, or built as a step of its own. */
export type EnsureImage = (
  role: 'conductor' | 'follower',
  arch: 'amd64' | 'arm64',
  work: { readonly report: Report; readonly signal: AbortSignal },
) => Promise<MachineImage>;

export interface AwsParts {
  readonly aws: Aws;
  readonly openGate: (opening: GateOpening) => ConductorGate;
  readonly ensureImage: EnsureImage;
  /** The address under which AWS sees this computer. */
  readonly findOwnAddress: () => Promise<string>;
  /** Of AWS Systems Manager as followers reach it; null: its own. */
  readonly parameterEndpoint: string | null;
}

const checkAddress = 'https://checkip.amazonaws.com';

/** Asks AWS from where this computer's calls come. @throws SparkPlugError AWS_UNREACHABLE */
export async function askOwnAddress(): Promise<string> {
  try {
    const answer = await fetch(checkAddress, { signal: AbortSignal.timeout(10_000) });
    const address = (await answer.text()).trim();
    if (answer.ok && /^[0-9a-f.:]+$/i.test(address)) return address;
    throw new Error(`${answer.status} ${address.slice(0, 100)}`);
  } catch (error) {
    throw new SparkPlugError('AWS_UNREACHABLE', 'it cannot be found out from which address you come', {
      place: checkAddress,
      met: error instanceof Error ? error.message : String(error),
      hint: 'name it: --from 203.0.113.7/32',
    });
  }
}
