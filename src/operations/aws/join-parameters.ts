// The join order in AWS Systems Manager: there while followers are on their way, worth nothing afterwards.
import type { Aws } from '../../adapters/ec2/ec2.ts';
import { cutJoinOrder } from '../machines/boot/join-parameters.ts';
import { type JoinOrder, renderJoinScript } from '../machines/render-join-script.ts';
import { joinPath } from './tags.ts';

/** Writes the order; followers that wait for it take it from now on. The count comes last: it makes the others valid. */
export async function writeJoinOrder(aws: Pick<Aws, 'ssm'>, projectId: string, order: JoinOrder): Promise<void> {
  const path = joinPath(projectId);
  const { count = '', ...parts } = cutJoinOrder(renderJoinScript(order));
  for (const [name, value] of Object.entries(parts)) await aws.ssm.putSecret(`${path}/${name}`, value);
  await aws.ssm.putSecret(`${path}/count`, count);
}

export async function hasJoinOrder(aws: Pick<Aws, 'ssm'>, projectId: string): Promise<boolean> {
  return (await aws.ssm.readSecrets(joinPath(projectId))).length > 0;
}

export async function deleteJoinOrder(aws: Pick<Aws, 'ssm'>, projectId: string): Promise<void> {
  const found = await aws.ssm.readSecrets(joinPath(projectId));
  if (found.length > 0) await aws.ssm.deleteParameters(found.map(({ name }) => name));
}
