// What one run of `aws up` or `aws scale` knows, and the ends that both have.
import type { Instance } from '../../adapters/ec2/instance-calls.ts';
import { type ProjectState, readProjectState } from '../../config/project-state.ts';
import { step } from '../../progress.ts';
import type { OpenedProject, ProjectChoice } from '../open-project.ts';
import type { AwsParts, ConductorAddress, ConductorGate } from './aws-parts.ts';
import type { ChosenNetwork, NetworkChoice } from './ensure-network.ts';
import type { FleetFlags, FleetWish } from './fleet-wish.ts';
import { deleteJoinOrder, hasJoinOrder, writeJoinOrder } from './join-parameters.ts';
import type { AwsPlace, AwsWork } from './open-aws.ts';
import { saveOperatorFiles } from './operator-archive.ts';
import type { FleetPlan } from './plan-fleet.ts';
import type { KeyChoice } from './ssh-key.ts';

export interface AwsUpOptions extends AwsWork, KeyChoice, NetworkChoice {
  readonly flags: FleetFlags;
  /** CIDR or address that may come in; null: the one that this computer is seen under. */
  readonly from: string | null;
  /** Id of a project that another computer has made; null: this folder's own. */
  readonly takeOver: string | null;
  /** Asked before anything is bought. */
  readonly confirm: (question: string) => Promise<boolean>;
}

/** All that one run of `aws up` or `aws scale` knows. */
export interface AwsRun extends AwsPlace {
  readonly parts: AwsParts;
  readonly choice: ProjectChoice;
  readonly project: OpenedProject;
  readonly state: ProjectState;
  readonly options: AwsUpOptions;
  readonly wish: FleetWish;
  readonly plan: FleetPlan;
  readonly chosen: ChosenNetwork;
  readonly from: string;
  readonly key: KeyChoice;
}

export function addressOf({ publicAddress, privateAddress }: Instance): ConductorAddress {
  return { publicAddress, privateAddress };
}

/** As the project's folder has it at this moment. */
export async function readNow({ project }: Pick<AwsRun, 'project'>): Promise<ProjectState> {
  const state = await readProjectState(project.dir);
  if (state === null) throw new Error('a project that goes to AWS has an id');
  return state;
}

/** The order was good for those that were launched. Only a group, which launches by itself, has one further on: a new one. */
export async function settleJoinOrder(run: AwsRun, gate: ConductorGate, conductor: ConductorAddress): Promise<void> {
  const { parts, state, wish, options } = run;
  const isThere = await hasJoinOrder(parts.aws, state.id);
  if (!isThere && wish.group === null) return;
  await step(options.report, 'change the token by which machines join', async () => {
    const renewed = await gate.renewJoinOrder(conductor);
    if (wish.group === null) await deleteJoinOrder(parts.aws, state.id);
    else await writeJoinOrder(parts.aws, state.id, renewed);
  });
}

export async function keepForOthers(run: AwsRun): Promise<void> {
  await saveOperatorFiles(run.parts.aws, await readNow(run), run.options.report);
}
