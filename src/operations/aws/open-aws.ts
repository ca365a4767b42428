// Whose account, which region, which project: what every verb of `aws` begins with.
import { isDeepStrictEqual } from 'node:util';
import { writeProjectState } from '../../config/project-state.ts';
import { SparkPlugError } from '../../errors.ts';
import type { Report } from '../../progress.ts';
import { type LocatedProject, locateProject, type ProjectChoice } from '../open-project.ts';
import type { AwsParts, ConductorGate } from './aws-parts.ts';
import { readNotedState } from './noted-state.ts';
import { findSshKey, settleIdentity } from './ssh-key.ts';

/** What a verb is given by its shell. */
export interface AwsWork {
  readonly report: Report;
  readonly signal: AbortSignal;
}

export interface AwsPlace {
  readonly account: string;
  readonly region: string;
  /** `aws`, `aws-cn`, `aws-us-gov`: first part of every name of a resource. */
  readonly partition: string;
}

export interface OpenedAws extends AwsPlace {
  readonly project: LocatedProject;
  readonly projectId: string;
}

/** @throws SparkPlugError AWS_NO_REGION, AWS_NO_CREDENTIALS */
export async function findPlace({ aws }: Pick<AwsParts, 'aws'>): Promise<AwsPlace> {
  const region = await aws.region();
  const { account, arn } = await aws.identity();
  return { account, region, partition: arn.split(':')[1] ?? 'aws' };
}

/**
 * A project that is, or was to be, on AWS.
 * @throws SparkPlugError AWS_NO_CLUSTER, AWS_OTHER_ACCOUNT, and as `findPlace`
 */
export async function openAws(choice: ProjectChoice, parts: AwsParts): Promise<OpenedAws> {
  const project = await locateProject(choice);
  if (project.state === null) throw noCluster(null);
  const place = await findPlace(parts);
  refuseOtherAccount(project, place);
  return { ...place, project, projectId: project.state.id };
}

/** @throws SparkPlugError AWS_OTHER_ACCOUNT */
export function refuseOtherAccount({ state }: Pick<LocatedProject, 'state'>, { account, region }: AwsPlace): void {
  const noted = state?.aws ?? null;
  if (noted === null) return;
  if (noted.account !== account) {
    throw new SparkPlugError('AWS_OTHER_ACCOUNT', 'these credentials are of another account than the cluster', {
      place: 'the account of the credentials',
      met: `${account}; the cluster is in ${noted.account}`,
      hint: 'name the right ones: --profile NAME, AWS_PROFILE; aws sts get-caller-identity shows whose they are',
    });
  }
  if (noted.region !== region) {
    throw new SparkPlugError('AWS_OTHER_ACCOUNT', 'the cluster is in another region', {
      place: '--region',
      met: `${region}; the cluster is in ${noted.region}`,
      hint: `--region ${noted.region}; a project has its machines in one region, and aws destroy frees it for another`,
    });
  }
}

export function noCluster(region: string | null): SparkPlugError {
  return new SparkPlugError('AWS_NO_CLUSTER', 'this project has nothing on AWS', {
    ...(region === null ? {} : { place: region }),
    hint: 'sparkplug aws up makes it; sparkplug aws status lists the projects of the account and region',
  });
}

/** Notes where the machines are before the first is made, so that nothing else is taken for them. */
export async function notePlace(
  { dir, state }: Pick<LocatedProject, 'dir' | 'state'>,
  { account, region }: AwsPlace,
  identityFile: string | null,
): Promise<void> {
  if (state === null) throw new Error('a project that goes to AWS has an id');
  const aws = { account, region, identityFile };
  if (!isDeepStrictEqual(state.aws, aws)) await writeProjectState(dir, { ...state, aws });
}

interface GateRequest extends AwsWork {
  readonly choice: ProjectChoice;
  readonly projectId: string;
  readonly identityFile: string | null;
  readonly conductorId: string;
}

/** The way to the conductor with the key that there is. */
export async function openGate(parts: AwsParts, request: GateRequest): Promise<ConductorGate> {
  const { choice, projectId, report, signal, conductorId } = request;
  const noted = (await readNotedState(choice))?.aws?.identityFile ?? null;
  const identityFile = (await settleIdentity(request.identityFile, noted)) ?? (await findSshKey(projectId));
  const readConsole = async () => {
    try {
      return await parts.aws.ec2.consoleOutput(conductorId);
    } catch (error) {
      // What the machine itself says only helps to explain.
      if (error instanceof SparkPlugError) return '';
      throw error;
    }
  };
  return parts.openGate({ choice, projectId, conductorId, identityFile, readConsole, report, signal });
}
