// `aws image …`: the machine images that machines on AWS start from.
import { Argument, type Command, Option } from 'commander';
import { SparkPlugError } from '../../errors.ts';
import { askOwnAddress } from '../../operations/aws/aws-parts.ts';
import {
  buildImagesOn,
  copyImagesOn,
  listImagesOn,
  pruneImagesOn,
  type WhichImages,
} from '../../operations/aws/images/machine-image-verbs.ts';
import { formatTable, formatTime } from '../format.ts';
import { parseWholeNumber } from '../parse-number.ts';
import { projectChoice } from '../project-choice.ts';
import type { Shell } from '../shell.ts';
import { type Act, withExamples } from '../verb.ts';

interface AccessOptions {
  readonly region?: string;
  readonly profile?: string;
}

interface BuildOptions extends AccessOptions {
  readonly arch: WhichImages['arch'];
  readonly type?: string;
  readonly subnet?: string;
  readonly from?: string;
}

interface CopyOptions extends AccessOptions {
  readonly arch: WhichImages['arch'];
  readonly to: string;
}

/** Kept without `--keep`: the one in use and the one before it. */
const defaultKeep = 2;

/** Adds `image` and its verbs below `aws`. */
export function addAwsImage(aws: Command, act: Act): void {
  const image = aws
    .command('image')
    .description('the machine images that machines start from: list, build, copy, prune');
  withExamples(image, 'sparkplug aws image', 'sparkplug aws image build', 'sparkplug aws image copy --to us-east-1');
  addList(image, act);
  addBuild(image, act);
  addCopy(image, act);
  addPrune(image, act);
}

function addList(image: Command, act: Act): void {
  const command = withAccess(image.command('list', { isDefault: true })).description(
    'machine images of the region, newest first; * is what this version starts from',
  );
  withExamples(command, 'sparkplug aws image list -o json').action(
    act<AccessOptions>(async ({ shell, options }) => {
      const images = await listImagesOn(projectChoice(shell), toAccess(options));
      if (shell.json) {
        shell.printJson({ images });
        return 0;
      }
      if (images.length === 0) {
        shell.print(
          'none in this region; `sparkplug aws image build` makes them, and `sparkplug aws up` where they are missing',
        );
        return 0;
      }
      const rows = images.map(({ current, role, version, arch, id, state, sizeGiB, createdAt, uses }) => [
        current ? '*' : '',
        role,
        version,
        arch,
        id,
        state,
        `${sizeGiB} GiB`,
        formatTime(createdAt),
        String(uses),
      ]);
      const head = ['', 'ROLE', 'VERSION', 'ARCH', 'ID', 'STATE', 'DISK', 'MADE', 'USES'];
      shell.print(formatTable(head, rows));
      return 0;
    }),
  );
}

function addBuild(image: Command, act: Act): void {
  const command = withArch(withAccess(image.command('build')))
    .description('make what is missing: a builder instance becomes the image, and is removed')
    .addArgument(whichArgument())
    .option('--type <type>', 'instance type of the builder (t3.large, for arm64 t4g.large)')
    .option('--subnet <id>', 'where the builder stands; it needs a way to the internet (default VPC)')
    .option('--from <cidr>', 'from where its SSH port can be reached (your own address)');
  withExamples(command, 'sparkplug aws image build', 'sparkplug aws image build conductor --arch arm64').action(
    act<BuildOptions>(async ({ shell, options, args: [which] }) => {
      const { arch, type = null, subnet: subnetId = null, from } = options;
      const findFrom = async () => from ?? toCidr(await askOwnAddress());
      const place = { type, subnetId, findFrom };
      const wanted = { roles: toRoles(which), arch };
      const images = await buildImagesOn(projectChoice(shell), toAccess(options), wanted, place, shell);
      tellImages(shell, images);
      return 0;
    }),
  );
}

interface MadeImage {
  readonly role: string;
  readonly id: string;
  readonly name: string;
  /** Whether it was there already. */
  readonly how: string;
}

function tellImages(shell: Shell, images: readonly MadeImage[]): void {
  if (shell.json) {
    shell.printJson({ images });
    return;
  }
  const rows = images.map(({ role, id, name, how }) => [role, id, name, how]);
  shell.print(formatTable(['ROLE', 'ID', 'NAME', 'HOW'], rows));
}

function addCopy(image: Command, act: Act): void {
  const command = withArch(withAccess(image.command('copy')))
    .description("this version's machine images into another region")
    .addArgument(whichArgument())
    .requiredOption('--to <region>', 'where they are to be as well');
  withExamples(command, 'sparkplug aws image copy --to us-east-1').action(
    act<CopyOptions>(async ({ shell, options, args: [which] }) => {
      const wanted = { roles: toRoles(which), arch: options.arch };
      const images = await copyImagesOn(projectChoice(shell), toAccess(options), wanted, options.to, shell);
      tellImages(shell, images);
      return 0;
    }),
  );
}

function addPrune(image: Command, act: Act): void {
  const command = withAccess(image.command('prune'))
    .description('remove old machine images with their disks, and what interrupted builds left; never one in use')
    .option('--keep <number>', 'newest ones of each role and architecture that stay', parseWholeNumber, defaultKeep);
  withExamples(command, 'sparkplug aws image prune --keep 1 --yes').action(
    act<AccessOptions & { readonly keep: number }>(async ({ shell, options }) => {
      const question = `machine images of SparkPlug beyond the newest ${options.keep} of each kind will be removed from the account. Go on?`;
      if (!(await shell.confirm(question))) {
        throw new SparkPlugError('USAGE', 'nothing was removed', { hint: 'answer y, or give --yes' });
      }
      const pruned = await pruneImagesOn(toAccess(options), options.keep, shell);
      if (shell.json) {
        shell.printJson(pruned);
        return 0;
      }
      const { images, snapshots, instances, inUse } = pruned;
      for (const name of images) shell.print(`removed ${name}`);
      for (const name of inUse) shell.print(`kept ${name}: it is in use`);
      if (instances.length > 0) shell.print(`ended ${instances.length} builders that were left`);
      if (images.length + snapshots.length + instances.length === 0) shell.print('nothing to remove');
      return 0;
    }),
  );
}

function withAccess(command: Command): Command {
  return command
    .option('--region <name>', 'region of AWS (AWS_REGION, or the profile’s)')
    .option('--profile <name>', 'profile of ~/.aws whose credentials are used');
}

function withArch(command: Command): Command {
  return command.addOption(new Option('--arch <name>', 'of the machines').choices(['amd64', 'arm64']).default('amd64'));
}

function toAccess({ region, profile }: AccessOptions) {
  return { region: region ?? null, profile: profile ?? null };
}

function whichArgument(): Argument {
  return new Argument('[which]', 'whose image').choices(['conductor', 'follower', 'all']).default('all');
}

function toRoles(which: string | undefined): WhichImages['roles'] {
  return which === 'conductor' || which === 'follower' ? [which] : ['conductor', 'follower'];
}

function toCidr(address: string): string {
  return address.includes(':') ? `${address}/128` : `${address}/32`;
}
