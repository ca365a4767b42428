// Use case `aws image build`: machine images that hold an engine and what it runs, so that a machine is there in seconds.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Ami } from '../../../adapters/ec2/image-calls.ts';
import { withFileLock } from '../../../adapters/host/file-lock.ts';
import { makeCacheFolder } from '../../../adapters/host/user-folders.ts';
import { makeKeyPair } from '../../../adapters/ssh/make-key-pair.ts';
import { SparkPlugError } from '../../../errors.ts';
import { step } from '../../../progress.ts';
import { renderBuilderUserData } from '../../machines/boot/render-user-data.ts';
import { ensureProjectState, openProject, type ProjectChoice } from '../../open-project.ts';
import { readImagePlan } from '../../prepare-images.ts';
import type { BuilderProject, OpenBuilderGate } from './builder-gate.ts';
import { builderResource, type ImageAws, type ImageWork, imageTimeoutSeconds, nameBuilder } from './image-work.ts';
import {
  type Arch,
  findDebianImage,
  findWanted,
  imageTags,
  type MachineRole,
  planMachineImage,
  preloaded,
  type WantedImage,
} from './machine-images.ts';
import { leaveNothing, removeBuilder } from './remove-builders.ts';

export interface BuildingPlace {
  readonly aws: ImageAws;
  readonly openGate: OpenBuilderGate;
  /** From where its SSH port can be reached, as CIDR. Asked only where a builder is needed. */
  readonly findFrom: () => Promise<string>;
  /** Null: a subnet of the default VPC. */
  readonly subnetId: string | null;
  /** Null: one that suits the architecture. */
  readonly type: string | null;
}

export interface BuiltMachineImage {
  readonly role: MachineRole;
  readonly arch: Arch;
  readonly id: string;
  readonly name: string;
  readonly how: 'present' | 'built';
  /** `/dev/xvda` */
  readonly rootDevice: string;
  readonly leastDiskGiB: number;
}

/** Two cores and 8 GiB: enough for the largest build. */
const defaultTypes: Readonly<Record<Arch, string>> = { amd64: 't3.large', arm64: 't4g.large' };
/** Images of SparkPlug, and as much again while they are built. */
const builderDiskGiB = 20;
const lifeMinutes = 180;
const startTimeoutSeconds = 600;
const sshPort = 22;

/**
 * Has the images of these roles in the region, of this copy of SparkPlug. A follower's is made of the conductor's, so that
 * both hold the very same images of containers, and a follower has nothing to pull.
 * @throws SparkPlugError AWS_*, SSH_*, MACHINE_UNFIT, and of builds; the builder is removed whatever happens
 */
export async function buildMachineImages(
  choice: ProjectChoice,
  place: BuildingPlace,
  { roles, arch }: { readonly roles: readonly MachineRole[]; readonly arch: Arch },
  work: ImageWork,
): Promise<readonly BuiltMachineImage[]> {
  const project = await openProject(choice);
  const { id } = await ensureProjectState(project);
  const read = await readImagePlan({ config: project.config, projectDir: project.dir });
  const source: BuilderProject = { dir: project.dir, config: project.config, projectId: id, read };
  return await buildFromProject(source, place, { roles, arch }, work);
}

/** The same, where the project has been read. */
export async function buildFromProject(
  project: BuilderProject,
  place: BuildingPlace,
  { roles, arch }: { readonly roles: readonly MachineRole[]; readonly arch: Arch },
  work: ImageWork,
): Promise<readonly BuiltMachineImage[]> {
  const lock = join(await makeCacheFolder('locks'), 'aws-image-build');
  const onWait = () =>
    work.report({ kind: 'note', text: 'another command is building machine images; waiting for it' });
  return await withFileLock(
    lock,
    async () => {
      // What an interrupted build has left costs money, also where nothing is to be built.
      await removeBuilder(place.aws, nameBuilder(), work);
      const built: BuiltMachineImage[] = [];
      const obtain = async (role: MachineRole, cause?: string): Promise<BuiltMachineImage> => {
        const known = built.find((image) => image.role === role);
        if (known !== undefined) return known;
        work.signal.throwIfAborted();
        const wanted = planMachineImage(project.read.plan, role, arch);
        const present = await findUsable(place.aws, wanted, work);
        if (present !== null) return keep(built, describe(wanted, present, 'present'));
        const base =
          role === 'conductor'
            ? await requireDebian(place.aws, arch)
            : await obtain('conductor', 'a follower’s is made of it');
        const why = cause === undefined ? '' : `, since ${cause}`;
        work.report({ kind: 'note', text: `building the machine image ${wanted.name}${why}: some minutes` });
        const ami = await buildOne(project, place, wanted, base, work);
        return keep(built, describe(wanted, ami, 'built'));
      };
      const obtained: BuiltMachineImage[] = [];
      for (const role of roles) obtained.push(await obtain(role));
      return obtained;
    },
    { signal: work.signal, onWait },
  );
}

function keep(built: BuiltMachineImage[], image: BuiltMachineImage): BuiltMachineImage {
  built.push(image);
  return image;
}

function describe({ role, arch, name }: WantedImage, ami: Ami, how: BuiltMachineImage['how']): BuiltMachineImage {
  const { id, rootDevice, sizeGiB } = ami;
  return { role, arch, id, name, how, rootDevice, leastDiskGiB: sizeGiB };
}

/** One that is there, finished where an interrupted build was not; a failed one is cleared away. */
async function findUsable(aws: ImageAws, wanted: WantedImage, work: ImageWork): Promise<Ami | null> {
  const found = await findWanted(aws, wanted);
  if (found === null) return null;
  if (found.state === 'pending') {
    await step(
      work.report,
      `wait for ${found.name}`,
      () => aws.images.awaitImage(found.id, { maxSeconds: imageTimeoutSeconds, signal: work.signal }),
      'an earlier build has begun it',
    );
    return await finish(aws, wanted, found.id);
  }
  if (found.state === 'available') return found;
  await aws.images.deregisterImage(found.id);
  return null;
}

/** Its disks get its tags as well: EC2 takes them for the image alone. */
async function finish(aws: ImageAws, wanted: WantedImage, id: string): Promise<Ami> {
  const ami = await findWanted(aws, wanted);
  if (ami === null || ami.id !== id) throw new Error(`${id} was made but is not there`);
  await aws.ec2.setTags([ami.id, ...ami.snapshotIds], wanted.tags);
  return ami;
}

async function requireDebian(aws: ImageAws, arch: Arch): Promise<{ readonly id: string; readonly rootDevice: string }> {
  const found = await findDebianImage(aws, arch);
  if (found !== null) return found;
  throw new SparkPlugError('AWS_IMAGE_MISSING', `Debian has no official image for ${arch} in this region`, {
    met: await aws.region(),
    hint: 'build in another region, then: sparkplug aws image copy --to REGION',
  });
}

async function buildOne(
  project: BuilderProject,
  place: BuildingPlace,
  wanted: WantedImage,
  base: { readonly id: string; readonly rootDevice: string },
  work: ImageWork,
): Promise<Ami> {
  const { aws } = place;
  const builder = nameBuilder();
  const folder = await mkdtemp(join(tmpdir(), 'sparkplug-image-'));
  try {
    return await leaveNothing(
      // Not the command's signal: what is interrupted is removed as well.
      () => removeBuilder(aws, builder, { ...work, signal: AbortSignal.timeout(startTimeoutSeconds * 1000) }),
      async () => {
        const identityFile = join(folder, 'key');
        const instance = await launch(place, wanted, base, { builder, identityFile }, work);
        await fillAndWipe(project, place, wanted, { ...instance, identityFile }, work);
        return await takeImage(aws, wanted, instance.id, work);
      },
      work,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A builder that answers to this key and from this address only. */
async function launch(
  { aws, findFrom, subnetId, type }: BuildingPlace,
  { role, arch, tags }: WantedImage,
  base: { readonly id: string; readonly rootDevice: string },
  { builder, identityFile }: { readonly builder: string; readonly identityFile: string },
  { report, signal }: ImageWork,
): Promise<{ readonly id: string; readonly address: string }> {
  return await step(report, 'start a builder', async () => {
    const name = builderResource(builder);
    const marks = { ...tags, Name: name, [imageTags.builder]: builder };
    const subnet = await findSubnet(aws, subnetId);
    const securityGroupId = await aws.ec2.createSecurityGroup({
      name,
      description: 'SparkPlug: builds a machine image',
      vpcId: subnet.vpcId,
      tags: marks,
    });
    await aws.ec2.allow(securityGroupId, [{ protocol: 'tcp', port: sshPort, from: await findFrom() }]);
    await aws.ec2.importKeyPair(name, await makeKeyPair(identityFile, name), marks);
    signal.throwIfAborted();
    const { id } = await aws.ec2.runInstance({
      type: type ?? defaultTypes[arch],
      imageId: base.id,
      rootDevice: base.rootDevice,
      diskGiB: builderDiskGiB,
      keyName: name,
      securityGroupId,
      instanceProfile: null,
      userData: renderBuilderUserData(lifeMinutes),
      spot: false,
      tags: marks,
      subnetId: subnet.id,
      clientToken: `${builder}-${role}-${Date.now().toString(36)}`,
    });
    await aws.images.endWhenShutDown(id);
    await aws.ec2.awaitInstances([id], 'running', { maxSeconds: startTimeoutSeconds, signal });
    const running = (await aws.ec2.findInstances({ [imageTags.builder]: builder })).find((found) => found.id === id);
    const address = running?.publicAddress ?? '';
    if (address === '') {
      throw new SparkPlugError('AWS_INSTANCE_SILENT', 'the builder has no public address', {
        place: subnet.id,
        hint: 'name a subnet with a way to the internet: --subnet subnet-…',
      });
    }
    return { id, address };
  });
}

async function findSubnet(
  { ec2 }: ImageAws,
  subnetId: string | null,
): Promise<{ readonly id: string; readonly vpcId: string }> {
  const vpc = subnetId === null ? await ec2.findVpc(null) : null;
  const by = subnetId !== null ? { subnetId } : vpc === null ? null : { vpcId: vpc.id };
  const found = by === null ? [] : await ec2.findSubnets(by);
  const [subnet] = subnetId === null ? found.filter(({ public: isPublic }) => isPublic) : found;
  if (subnet !== undefined) return subnet;
  throw new SparkPlugError('AWS_NO_DEFAULT_VPC', 'there is no subnet for the builder', {
    ...(subnetId === null ? {} : { place: '--subnet', met: subnetId }),
    hint: 'aws ec2 create-default-vpc, or name one with a way to the internet: --subnet subnet-…',
  });
}

async function fillAndWipe(
  project: BuilderProject,
  { aws, openGate }: BuildingPlace,
  { role }: WantedImage,
  { id, address, identityFile }: { readonly id: string; readonly address: string; readonly identityFile: string },
  { report, signal }: ImageWork,
): Promise<void> {
  const readConsole = () => aws.ec2.consoleOutput(id);
  const gate = openGate({ address, port: null, identityFile, readConsole, project, report, signal });
  const names = preloaded[role];
  try {
    await step(report, 'wait for its first boot', () => gate.awaitReady(), 'an engine is installed there');
    await gate.fill(names);
    await step(report, 'check it', () => gate.check(names));
    await step(report, 'wipe it', () => gate.wipe(), 'an image holds no identity and no key');
  } finally {
    await gate.close();
  }
}

async function takeImage(aws: ImageAws, wanted: WantedImage, instanceId: string, { report, signal }: ImageWork) {
  return await step(report, 'take the image', async () => {
    signal.throwIfAborted();
    await aws.ec2.stopInstances([instanceId]);
    await aws.ec2.awaitInstances([instanceId], 'stopped', { maxSeconds: startTimeoutSeconds, signal });
    const { name, tags, role } = wanted;
    const description = `SparkPlug: ${role} of a cluster, with Docker Engine and ${preloaded[role].join(', ')}`;
    const id = await aws.images.createImage({ instanceId, name, description, tags });
    await aws.images.awaitImage(id, { maxSeconds: imageTimeoutSeconds, signal });
    return await finish(aws, wanted, id);
  });
}
