import { type Command, InvalidArgumentError } from 'commander';
import type { AwsParts } from '../../operations/aws/aws-parts.ts';
import { createAwsParts } from '../../operations/aws/create-aws-parts.ts';
import { destroyOnAws } from '../../operations/aws/destroy-on-aws.ts';
import { takeDownOnAws } from '../../operations/aws/down-on-aws.ts';
import type { FleetFlags } from '../../operations/aws/fleet-wish.ts';
import { readNotedState } from '../../operations/aws/noted-state.ts';
import { planOnAws } from '../../operations/aws/plan-on-aws.ts';
import { scaleOnAws } from '../../operations/aws/scale-on-aws.ts';
import { readAwsStatus } from '../../operations/aws/status-on-aws.ts';
import { bringUpOnAws } from '../../operations/aws/up-on-aws.ts';
import { withAwsLock } from '../../operations/aws/with-aws-lock.ts';
import type { ProjectChoice } from '../../operations/open-project.ts';
import { parseWholeNumber } from '../parse-number.ts';
import { projectChoice } from '../project-choice.ts';
import { renderAwsPlan, renderAwsStatus, renderAwsUp } from '../render-aws.ts';
import type { Shell } from '../shell.ts';
import { type Act, withExamples } from '../verb.ts';
import { addAwsImage } from './aws-image.ts';

interface AccessOptions {
  readonly region?: string;
  readonly profile?: string;
}

interface FleetOptions extends AccessOptions {
  readonly conductor?: string;
  readonly followers: readonly string[];
  readonly group?: string;
  readonly spot: boolean;
  readonly disk?: number;
}

interface ReachOptions extends AccessOptions {
  readonly key?: string;
  readonly identity?: string;
  readonly from?: string;
  readonly vpc?: string;
  readonly subnet?: string;
}

interface UpOptions extends FleetOptions, ReachOptions {
  readonly takeOver?: string;
}

export function addAws(program: Command, act: Act): void {
  const aws = program
    .command('aws')
    .description('machines on Amazon EC2: up, plan, scale, down, destroy, status, image');
  withExamples(
    aws,
    'sparkplug aws plan --followers 2xm6i.xlarge',
    'sparkplug aws up --followers 2xm6i.xlarge',
    'sparkplug aws destroy',
  );
  addStatus(aws, act);
  addPlan(aws, act);
  addUp(aws, act);
  addScale(aws, act);
  addDown(aws, act);
  addDestroy(aws, act);
  addAwsImage(aws, act);
}

function addStatus(aws: Command, act: Act): void {
  const command = withAccess(aws.command('status', { isDefault: true })).description(
    "the project's machines on AWS, and which projects the account has in the region",
  );
  withExamples(command, 'sparkplug aws status --region eu-central-1').action(
    act<AccessOptions>(async ({ shell, options }) => {
      const report = await readAwsStatus(projectChoice(shell), await openParts(shell, options));
      if (shell.json) shell.printJson(report);
      else shell.print(renderAwsStatus(report));
      return 0;
    }),
  );
}

function addPlan(aws: Command, act: Act): void {
  const command = withFleet(withAccess(aws.command('plan'))).description(
    'which machines, what would stand on them, and their list price; buys and changes nothing',
  );
  withExamples(command, 'sparkplug aws plan --followers 2xm6i.xlarge --followers 4xc6i.xlarge:spot').action(
    act<FleetOptions>(async ({ shell, options }) => {
      const report = await planOnAws(projectChoice(shell), toFlags(options), await openParts(shell, options));
      if (shell.json) shell.printJson(report);
      else shell.print(renderAwsPlan(report));
      return 0;
    }),
  );
}

function addUp(aws: Command, act: Act): void {
  const command = withReach(withFleet(withAccess(aws.command('up'))))
    .description('make or start the machines, join them, and bring the cluster up; finishes what was interrupted')
    .option(
      '--take-over <project-id>',
      'go on with a project that another computer has made (`aws status` lists them)',
    );
  withExamples(
    command,
    'sparkplug aws up',
    'sparkplug aws up --followers 2xm6i.xlarge --region eu-central-1',
    'sparkplug aws up --followers 2xm6i.large --followers 4xc6i.xlarge:spot',
  ).action(
    act<UpOptions>(async ({ shell, options }) => {
      const { report, signal } = shell;
      const asked = {
        ...toReach(options),
        flags: toFlags(options),
        takeOver: options.takeOver ?? null,
        confirm: shell.confirm,
        report,
        signal,
      };
      const up = await change(shell, options, (choice, parts) => bringUpOnAws(choice, asked, parts));
      if (shell.json) shell.printJson(up);
      else shell.print(renderAwsUp(up));
      return 0;
    }),
  );
}

function addScale(aws: Command, act: Act): void {
  const command = withReach(withAccess(aws.command('scale')))
    .description('more or fewer followers; those that go are drained first, then terminated')
    .argument('<sizes...>', 'followers=3, followers=3xm6i.large, group=0-8, group=none')
    .option('--now', 'do not wait for running jobs where a restart is needed', false)
    .option('--force', 'go on even where blocks are lost', false);
  withExamples(command, 'sparkplug aws scale followers=4', 'sparkplug aws scale group=1-6xc6i.xlarge:spot').action(
    act<ReachOptions & { readonly now: boolean; readonly force: boolean }>(async ({ shell, options, args }) => {
      const { report, signal } = shell;
      const { now, force } = options;
      const sizes = (args[0] ?? []) as unknown as readonly string[];
      const asked = { ...toReach(options), sizes, now, force, confirm: shell.confirm, report, signal };
      const scaled = await change(shell, options, (choice, parts) => scaleOnAws(choice, asked, parts));
      if (shell.json) shell.printJson(scaled);
      else {
        if (scaled.removed.length > 0) shell.print(`terminated ${scaled.removed.join(', ')}`);
        shell.print(renderAwsUp(scaled.up));
      }
      return 0;
    }),
  );
}

function addDown(aws: Command, act: Act): void {
  const command = withAccess(aws.command('down'))
    .description('stop the machines; all data stays. Spot machines and groups are terminated, nothing is stored there')
    .option('--identity <file>', 'the private SSH key of the machines')
    .option('--from <cidr>', 'who may reach the conductor (default: this computer)');
  withExamples(command, 'sparkplug aws down').action(
    act<Pick<ReachOptions, keyof AccessOptions | 'identity' | 'from'>>(async ({ shell, options }) => {
      const { report, signal, confirm } = shell;
      const { identity: identityFile = null, from = null } = options;
      const asked = { identityFile, from, confirm, report, signal };
      const down = await change(shell, options, (choice, parts) => takeDownOnAws(choice, asked, parts));
      if (shell.json) shell.printJson(down);
      else {
        const stopped = down.stopped.length === 0 ? 'everything was stopped' : `stopped ${down.stopped.join(', ')}`;
        const ended = down.terminated.length === 0 ? '' : `; terminated ${down.terminated.join(', ')}`;
        shell.print(
          `${stopped}${ended}\ndisks are kept and paid for; sparkplug aws up goes on, sparkplug aws destroy ends it`,
        );
      }
      return 0;
    }),
  );
}

function addDestroy(aws: Command, act: Act): void {
  const command = withAccess(aws.command('destroy')).description(
    'remove all that the project has on AWS, its data included, and prove that nothing is left',
  );
  withExamples(command, 'sparkplug aws destroy').action(
    act<AccessOptions>(async ({ shell, options }) => {
      const { report, signal } = shell;
      const askId = shell.options.yes ? null : (question: string) => shell.ask(question);
      const destroyed = await change(shell, options, (choice, parts) =>
        destroyOnAws(choice, { askId, report, signal }, parts),
      );
      if (shell.json) shell.printJson(destroyed);
      else if (destroyed.removed.length === 0) shell.print(`${destroyed.projectId} has nothing on AWS`);
      else
        shell.print(`removed ${destroyed.removed.join(', ')}\nnothing with the tag of ${destroyed.projectId} is left`);
      return 0;
    }),
  );
}

/** One change at a time. */
async function change<T>(
  shell: Shell,
  options: ReachOptions,
  work: (choice: ProjectChoice, parts: AwsParts) => Promise<T>,
): Promise<T> {
  const choice = projectChoice(shell);
  const parts = await openParts(shell, options);
  return await withAwsLock(choice, shell, () => work(choice, parts));
}

/** The region that is named, else the one that the project has its machines in, else what the SDK finds. */
async function openParts(shell: Shell, options: ReachOptions): Promise<AwsParts> {
  const choice = projectChoice(shell);
  const { profile = null, subnet = null, from = null } = options;
  const region = options.region ?? (await readNotedState(choice))?.aws?.region ?? null;
  return createAwsParts(choice, { region, profile, subnet, from });
}

function withAccess(command: Command): Command {
  return command
    .option('--region <name>', 'region of AWS (the project’s, AWS_REGION, or the profile’s)')
    .option('--profile <name>', 'profile of ~/.aws whose credentials are used');
}

function withFleet(command: Command): Command {
  return command
    .option('--conductor <type>', 'instance type of the conductor (t3.xlarge, or larger where the project needs it)')
    .option(
      '--followers <n>',
      'how many of which type, such as 2xm6i.xlarge or 4xc6i.xlarge:spot (repeatable)',
      collect,
      [],
    )
    .option('--group <min-max>', 'followers that AWS starts and ends by itself, such as 0-8xc6i.xlarge; none for none')
    .option('--spot', 'spot machines for followers and group: cheaper, compute only', false)
    .option('--disk <GiB>', 'disk of each machine (50)', parseSize);
}

function withReach(command: Command): Command {
  return command
    .option('--key <name>', 'a key pair of the region (default: one is made for the project)')
    .option('--identity <file>', 'the private SSH key that fits')
    .option('--from <cidr>', 'who may reach the dashboard and SSH (default: this computer)')
    .option('--vpc <id>', 'the network (default: the default VPC)')
    .option('--subnet <id>', 'the subnet, which needs a way to the internet');
}

function toFlags({ conductor, followers, group, spot, disk }: FleetOptions): FleetFlags {
  return {
    conductor: conductor ?? null,
    followers: followers.length === 0 ? null : followers,
    group: group ?? null,
    spot,
    diskGiB: disk ?? null,
  };
}

function toReach({ key, identity, from, vpc, subnet }: ReachOptions) {
  return {
    key: key ?? null,
    identityFile: identity ?? null,
    from: from ?? null,
    vpc: vpc ?? null,
    subnet: subnet ?? null,
  };
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function parseSize(value: string): number {
  const size = parseWholeNumber(value);
  if (size < 10) throw new InvalidArgumentError('It is a whole number of GiB from 10.');
  return size;
}
