// What the verbs of `aws` work with in earnest: AWS itself, SSH, images that are found or built.
import { createAws } from '../../adapters/ec2/ec2.ts';
import type { AwsAccess } from '../../adapters/ec2/send.ts';
import type { ProjectChoice } from '../open-project.ts';
import { type AwsParts, askOwnAddress, type EnsureImage, type MachineImage } from './aws-parts.ts';
import { parseSource } from './ensure-network.ts';
import { openBuilderGate } from './images/builder-gate.ts';
import { createEnsureImage } from './images/machine-image-verbs.ts';
import { createSshGate } from './ssh-gate.ts';

export interface AwsChoice extends AwsAccess {
  /** Where a machine image is built, if one has to be; null: in the default VPC. */
  readonly subnet: string | null;
  /** Who may reach its builder; null: this computer. */
  readonly from: string | null;
}

export function createAwsParts(choice: ProjectChoice, { region, profile, subnet, from }: AwsChoice): AwsParts {
  const aws = createAws({ region, profile });
  const findFrom = async () => parseSource(from ?? (await askOwnAddress()));
  const place = { aws, openGate: openBuilderGate, findFrom, subnetId: subnet, type: null };
  return {
    aws,
    openGate: (opening) => createSshGate(opening),
    ensureImage: askOnce(createEnsureImage(choice, place)),
    findOwnAddress: askOwnAddress,
    parameterEndpoint: null,
  };
}

/** Several followers at once want one image. */
export function askOnce(ensure: EnsureImage): EnsureImage {
  const asked = new Map<string, Promise<MachineImage>>();
  return (role, arch, work) => {
    const key = `${role} ${arch}`;
    const known = asked.get(key) ?? ensure(role, arch, work);
    asked.set(key, known);
    return known;
  };
}
