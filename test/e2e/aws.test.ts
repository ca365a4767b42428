// The verbs of `aws` against moto by the real SDK: every verb, every one of their calls failing once, every bad input. What
// stands behind the conductor's address is played here. Needs no Docker; the first time it needs the Python registry.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import {
  CreateVolumeCommand,
  DescribeInstanceAttributeCommand,
  DescribeInstancesCommand,
  DescribeVolumesCommand,
  EC2Client,
  GetLaunchTemplateDataCommand,
} from '@aws-sdk/client-ec2';
import { execa } from 'execa';
import { type Aws, createAws } from '../../src/adapters/ec2/ec2.ts';
import { readProjectState, writeProjectState } from '../../src/config/project-state.ts';
import { machineKeyFile } from '../../src/config/user-folder.ts';
import { SparkPlugError } from '../../src/errors.ts';
import type { AwsParts } from '../../src/operations/aws/aws-parts.ts';
import { destroyOnAws } from '../../src/operations/aws/destroy-on-aws.ts';
import { takeDownOnAws } from '../../src/operations/aws/down-on-aws.ts';
import { followerPolicy } from '../../src/operations/aws/ensure-access.ts';
import { isAlive } from '../../src/operations/aws/find-fleet.ts';
import type { FleetFlags } from '../../src/operations/aws/fleet-wish.ts';
import { planOnAws } from '../../src/operations/aws/plan-on-aws.ts';
import { listLeftovers } from '../../src/operations/aws/remove-everything.ts';
import { scaleOnAws } from '../../src/operations/aws/scale-on-aws.ts';
import { ensureKey } from '../../src/operations/aws/ssh-key.ts';
import { readAwsStatus } from '../../src/operations/aws/status-on-aws.ts';
import { joinPath, operatorPath, resourceName, tagKeys, tagsOf } from '../../src/operations/aws/tags.ts';
import { bringUpOnAws } from '../../src/operations/aws/up-on-aws.ts';
import { createFakeSwarm, type FakeSwarm, joinToken, registryPassword } from '../aws/fake-gate.ts';
import { type FaultProxy, startFaultProxy } from '../aws/fault-proxy.ts';
import { failingCalls, isChange, listFailures } from '../aws/list-failures.ts';
import { type Moto, startMoto } from '../aws/start-moto.ts';
import { repository, sparkplug } from './support/sparkplug.ts';

const region = 'eu-central-1';
const pollSeconds = 0.02;
/** As a user would write it; the job is never run. */
const projectFile = 'name: bought\njobs:\n  job: { main: src/job.py }\n';
const from = '203.0.113.7/32';

let moto: Moto;
let proxy: FaultProxy;
/** Through the proxy, as the product. */
let aws: Aws;
/** Past the proxy, to look. */
let real: Aws;
let swarm: FakeSwarm;
let root: string;
let dir: string;
let projectId: string;

/** The SDK reads the variable when a client is made, which is at its first call. */
async function openAws(url: string): Promise<Aws> {
  process.env.AWS_ENDPOINT_URL = url;
  const made = createAws({ region, profile: null }, { pollSeconds });
  const tags = { a: 'b' };
  await Promise.all([
    made.identity(),
    made.ec2.findVolumes(tags),
    made.ssm.readSecrets('/none'),
    made.iam.hasRole('x'),
  ]);
  await Promise.all([
    made.scaling.findGroups(tags),
    made.prices.hourly('t3.small', region),
    made.prices.coreQuota('x'),
  ]);
  return made;
}

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'sparkplug-aws-'));
  moto = await startMoto();
  proxy = await startFaultProxy(moto.url);
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    // Each fault is to be met; what the SDK itself does about it is the SDK's.
    AWS_MAX_ATTEMPTS: '1',
    XDG_CONFIG_HOME: join(root, 'config'),
  });
  aws = await openAws(proxy.url);
  real = await openAws(moto.url);
});
after(async () => {
  await proxy?.stop();
  await moto?.stop();
});

/** All actions that were used, over all tests. */
const used = new Set<string>();

function noteCalls(): void {
  for (const action of proxy.calls()) used.add(action);
}

/** A new account and a new project. */
async function begin(): Promise<void> {
  noteCalls();
  await moto.reset();
  proxy.reset();
  swarm = createFakeSwarm(real);
  dir = await mkdtemp(join(root, 'project-'));
  await writeProject();
  projectId = `bought-${dir
    .slice(-6)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '0')}`;
  await writeProjectState(dir, { id: projectId });
}
beforeEach(begin);

async function writeProject(): Promise<void> {
  await mkdir(join(dir, 'src'));
  await writeFile(join(dir, 'src', 'job.py'), '');
  await writeFile(join(dir, 'sparkplug.yaml'), projectFile);
}

const noFlags: FleetFlags = { conductor: null, followers: null, group: null, spot: false, diskGiB: null };
const work = { report: () => {}, signal: new AbortController().signal };
const reach = { key: null, identityFile: null, from, vpc: null, subnet: null, confirm: async () => true };

function parts(more: Partial<AwsParts> = {}): AwsParts {
  return {
    aws,
    openGate: (opening) => swarm.openGate(opening),
    ensureImage: async (role) => ({
      id: role === 'conductor' ? 'ami-00000000000000001' : 'ami-00000000000000002',
      rootDevice: '/dev/xvda',
      leastDiskGiB: 20,
    }),
    findOwnAddress: async () => '203.0.113.7',
    parameterEndpoint: null,
    ...more,
  };
}

const choice = () => ({ fromDir: dir, overrides: [] });
const flagsOf = (...followers: readonly string[]): FleetFlags => ({ ...noFlags, followers });
const up = (flags: FleetFlags = noFlags, more: object = {}) =>
  bringUpOnAws(choice(), { ...work, ...reach, flags, takeOver: null, ...more }, parts());
const scale = (...sizes: readonly string[]) =>
  scaleOnAws(choice(), { ...work, ...reach, sizes, now: false, force: false }, parts());
const down = () => takeDownOnAws(choice(), { ...work, identityFile: null, from, confirm: async () => true }, parts());
const destroy = () => destroyOnAws(choice(), { ...work, askId: null }, parts());

/** All of the project, without what differs from one time to another. */
async function snapshot(): Promise<object> {
  const own = { [tagKeys.project]: projectId };
  const [network] = await real.ec2.findSecurityGroups(own);
  const instances = (await real.ec2.findInstances(own)).filter(isAlive);
  return {
    network: network?.ingress.map(({ protocol, port, from: source }) => `${protocol} ${port} ${source}`).toSorted(),
    fleet: network?.tags[tagKeys.fleet],
    instances: instances
      .map(({ tags, type, spot, state }) => [tags[tagKeys.role], tags[tagKeys.ordinal], type, spot, state].join(' '))
      .toSorted(),
    groups: (await real.scaling.findGroups(own)).map(({ min, max, desired }) => `${min} ${max} ${desired}`),
    volumes: (await real.ec2.findVolumes(own)).length,
    left: (await listLeftovers(real, projectId))
      .map((text) => text.split(' ')[0])
      .filter((kind) => kind !== 'parameter' && kind !== 'instance')
      .toSorted(),
    join: (await real.ssm.readSecrets(joinPath(projectId))).length,
    archive: (await real.ssm.readSecrets(operatorPath(projectId))).length > 0,
    policies: await real.iam.listPolicies(resourceName(projectId)),
    members: [...swarm.members].length,
    place: (await readProjectState(dir))?.aws?.region,
  };
}

describe('aws up', () => {
  it('makes a conductor and followers of several kinds, with tags on everything and no secret anywhere', async () => {
    const made = await up(flagsOf('2xm6i.large', '1xc6i.large:spot'));
    assert.deepEqual(
      made.machines.map(({ name, type, spot }) => [name, type, spot]),
      [
        ['conductor', 't3.xlarge', false],
        ['follower-1', 'm6i.large', false],
        ['follower-2', 'm6i.large', false],
        ['follower-3', 'c6i.large', true],
      ],
    );
    assert.deepEqual(swarm.members.size, 3);
    assert.ok(swarm.events.includes('up with followers'));
    // The token was changed, and the order is gone.
    assert.equal(swarm.rotations, 1);
    assert.deepEqual(await real.ssm.readSecrets(joinPath(projectId)), []);

    const client = new EC2Client({ region, endpoint: moto.url });
    const { Reservations = [] } = await client.send(new DescribeInstancesCommand({}));
    const instances = Reservations.flatMap(({ Instances = [] }) => Instances);
    assert.equal(instances.length, 4);
    for (const { InstanceId, Tags = [], IamInstanceProfile, MetadataOptions } of instances) {
      const tags = Object.fromEntries(Tags.map(({ Key = '', Value }) => [Key, Value]));
      assert.equal(tags[tagKeys.project], projectId);
      assert.ok(tags[tagKeys.version] !== undefined && tags.Name !== undefined);
      const isConductor = tags[tagKeys.role] === 'conductor';
      assert.equal(IamInstanceProfile === undefined, isConductor, 'only followers have rights');
      assert.equal(MetadataOptions?.HttpTokens, 'required');
      assert.equal(MetadataOptions?.HttpPutResponseHopLimit, 1);
      const asked = { InstanceId, Attribute: 'userData' as const };
      const { UserData } = await client.send(new DescribeInstanceAttributeCommand(asked));
      const userData = Buffer.from(UserData?.Value ?? '', 'base64').toString('utf8');
      assert.match(userData, /^#cloud-config/);
      for (const secret of [joinToken(0), 'SWMTKN', registryPassword, 'BEGIN CERTIFICATE', 'PRIVATE KEY']) {
        assert.ok(!userData.includes(secret), secret);
      }
      const computeOnly = tags[tagKeys.ordinal] === '3';
      assert.equal(userData.includes('sparkplug.storage=none'), computeOnly, 'spot machines hold no blocks');
    }
    const { Volumes = [] } = await client.send(new DescribeVolumesCommand({}));
    assert.deepEqual(new Set(Volumes.map(({ Encrypted }) => Encrypted)), new Set([true]));
    assert.equal(Volumes.length, 4);

    const [network] = await real.ec2.findSecurityGroups({ [tagKeys.project]: projectId });
    const open = network?.ingress.filter((one) => one.from !== 'group').map(({ port, from: source }) => [port, source]);
    assert.deepEqual(open, [
      [22, from],
      [8080, from],
    ]);
    const inside = network?.ingress
      .filter((one) => one.from === 'group')
      .map(({ protocol, port }) => `${protocol} ${port}`);
    assert.deepEqual(inside?.toSorted(), ['tcp 2377', 'tcp 5000', 'tcp 7946', 'udp 4789', 'udp 7946']);
  });

  it('again changes nothing; with more followers it adds those', async () => {
    await up(flagsOf('1xm6i.large'));
    const before = await snapshot();
    proxy.reset();
    await up();
    assert.deepEqual(await snapshot(), before);
    assert.deepEqual(
      proxy.calls().filter((call) => !/^(Describe|Get|List)/.test(call)),
      [],
    );
    await up(flagsOf('2xm6i.large'));
    assert.equal(swarm.members.size, 2);
  });

  it('lets in who has moved and shuts out where he was', async () => {
    await up();
    await up(noFlags, { from: '198.51.100.4' });
    const [network] = await real.ec2.findSecurityGroups({ [tagKeys.project]: projectId });
    const sources = network?.ingress.filter((one) => one.from !== 'group').map((one) => one.from);
    assert.deepEqual(new Set(sources), new Set(['198.51.100.4/32']));
  });

  it('starts a group whose machines join by themselves, and keeps a new order for them', async () => {
    await up({ ...flagsOf('1xm6i.large'), group: '1-4xc6i.large:spot' });
    const [group] = await real.scaling.findGroups({ [tagKeys.project]: projectId });
    assert.deepEqual([group?.min, group?.max, group?.instanceIds.length], [1, 4, 1]);
    assert.equal(swarm.rotations, 1);
    const order = await real.ssm.readSecrets(joinPath(projectId));
    assert.ok(order.some(({ name }) => name === `${joinPath(projectId)}/count`));
    const text = order.filter(({ name }) => !name.endsWith('/count')).map(({ value }) => value);
    assert.ok(Buffer.from(text.join(''), 'base64').toString('utf8').includes(joinToken(1)), 'the new token');
    const member = (await real.ec2.findInstances({ [tagKeys.role]: 'group' })).find(isAlive);
    assert.equal(member?.tags[tagKeys.project], projectId);
    const client = new EC2Client({ region, endpoint: moto.url });
    const { LaunchTemplateData } = await client.send(new GetLaunchTemplateDataCommand({ InstanceId: member?.id }));
    assert.ok(LaunchTemplateData !== undefined);
  });

  it('waits for an instance profile that EC2 does not know yet, and for a token that was used before', async () => {
    const refusals = [
      [
        'InvalidParameterValue',
        'Value (x) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name',
      ],
      ['IdempotentInstanceTerminated', 'Client token belongs to an instance that is terminated'],
    ] as const;
    const tokens: string[] = [];
    const runInstance: Aws['ec2']['runInstance'] = async (order) => {
      if (order.instanceProfile === null) return await aws.ec2.runInstance(order);
      tokens.push(order.clientToken);
      const [code, message] = refusals[tokens.length - 1] ?? [null, ''];
      proxy.answer('RunInstances', code === null ? null : { code, message });
      return await aws.ec2.runInstance(order);
    };
    const asked = { ...work, ...reach, flags: flagsOf('1xm6i.large'), takeOver: null };
    await bringUpOnAws(choice(), asked, parts({ aws: { ...aws, ec2: { ...aws.ec2, runInstance } } }));
    assert.deepEqual([tokens[0] === tokens[1], tokens[1] === tokens[2], tokens.length], [true, false, 3]);
    assert.equal(swarm.members.size, 1);
  });

  it('takes a key pair of the user’s own, and goes on with it', async () => {
    const identityFile = join(dir, 'own');
    await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', identityFile]);
    await real.ec2.importKeyPair('mine', await readFile(`${identityFile}.pub`, 'utf8'), { owner: 'somebody' });
    const used: (string | null)[] = [];
    const noting = parts({
      openGate: (opening) => {
        used.push(opening.identityFile);
        return swarm.openGate(opening);
      },
    });
    const asked = { ...work, ...reach, flags: noFlags, takeOver: null };
    await bringUpOnAws(choice(), { ...asked, key: 'mine', identityFile }, noting);
    await bringUpOnAws(choice(), { ...asked, flags: flagsOf('1xm6i.large') }, noting);
    assert.deepEqual(used, [identityFile, identityFile]);
    const instances = await real.ec2.findInstances({ [tagKeys.project]: projectId });
    assert.deepEqual(new Set(instances.map(({ keyName }) => keyName)), new Set(['mine']));
    assert.equal(await real.ec2.hasKeyPair(resourceName(projectId)), false);
    await destroy();
    assert.equal(await real.ec2.hasKeyPair('mine'), true, 'it is not of the project');
  });

  it('asks before it spends, and a no makes nothing', async () => {
    const questions: string[] = [];
    proxy.answer('GetProducts', { json: { PriceList: [priceOf('0.1920')] } });
    const confirm = async (question: string) => {
      questions.push(question);
      return false;
    };
    await assert.rejects(up(flagsOf('2xm6i.large'), { confirm }), { code: 'USAGE' });
    proxy.answer('GetProducts', null);
    assert.match(
      questions[0] ?? '',
      /conductor 1 × t3\.xlarge, followers 2 × m6i\.large in eu-central-1 for about \$0\.58/,
    );
    assert.deepEqual(await listLeftovers(real, projectId), []);
  });
});

/** As the price service words it. */
function priceOf(usd: string): string {
  const dimension = { unit: 'Hrs', pricePerUnit: { USD: usd } };
  return JSON.stringify({ terms: { OnDemand: { one: { priceDimensions: { one: dimension } } } } });
}

describe('aws plan', () => {
  it('places with the cores and the memory of the API, and prices where they are told', async () => {
    proxy.answer('GetProducts', { json: { PriceList: [priceOf('0.1000')] } });
    const { plan, price, fleet } = await planOnAws(choice(), flagsOf('2xm6i.xlarge', '1xc6i.xlarge:spot'), parts());
    proxy.answer('GetProducts', null);
    assert.equal(fleet, 't3.xlarge 2xm6i.xlarge 1xc6i.xlarge:spot disk=50');
    assert.deepEqual(
      plan.machines.map(({ name, cores, datanodes }) => [name, cores, datanodes > 0]),
      [
        ['conductor', 4, plan.machines[0]?.datanodes !== 0],
        ['follower-1', 4, true],
        ['follower-2', 4, true],
        ['follower-3', 4, false],
      ],
    );
    assert.ok(plan.totalWorkers > 0);
    assert.equal(price.machines[0]?.hourlyEach, 0.1);
    assert.deepEqual(await listLeftovers(real, projectId), []);
  });

  it('takes a larger conductor where the usual one has no room', async () => {
    await writeFile(
      join(dir, 'sparkplug.yaml'),
      `${projectFile}spark: { worker: { executors: 1, cores: 4, memory: 20g } }\n`,
    );
    const { fleet } = await planOnAws(choice(), noFlags, parts());
    assert.equal(fleet, 't3.2xlarge disk=50');
  });
});

describe('aws scale', () => {
  it('adds; takes away the last ones after they were drained', async () => {
    await up(flagsOf('1xm6i.large'));
    await scale('followers=3');
    assert.equal(swarm.members.size, 3);
    swarm.events.length = 0;
    const { removed, up: after } = await scale('followers=1');
    assert.equal(removed.length, 2);
    assert.deepEqual(
      swarm.events.filter((event) => /^(drain|forget)/.test(event)),
      removed.flatMap((name) => [`drain ${name}`, `forget ${name}`]),
    );
    assert.deepEqual(
      after.machines.map(({ name }) => name),
      ['conductor', 'follower-1'],
    );
    // The numbers of those that are gone are free again, for others.
    await scale('followers=2xm6i.xlarge');
    assert.equal(swarm.members.size, 2);
  });

  it('takes a group away after its machines were drained', async () => {
    await up({ ...noFlags, group: '1-2xc6i.large' });
    const [member] = await real.ec2.findInstances({ [tagKeys.role]: 'group' });
    swarm.members.add(member?.hostname ?? '');
    // Other types are for its next machines.
    await scale('group=1-2xm6i.large');
    await scale('group=none');
    assert.ok(swarm.events.includes(`drain ${member?.hostname}`));
    assert.deepEqual(await real.scaling.findGroups({ [tagKeys.project]: projectId }), []);
    assert.deepEqual(await real.ssm.readSecrets(joinPath(projectId)), []);
  });
});

describe('aws down', () => {
  it('stops the cluster, ends spot and groups, stops the rest; up starts all of it again', async () => {
    await up({ ...flagsOf('1xm6i.large', '1xc6i.large:spot'), group: '1-2xc6i.large' });
    const before = await snapshot();
    const { stopped, terminated } = await down();
    assert.deepEqual([stopped.length, terminated.length], [2, 2]);
    assert.ok(swarm.events.includes('stop'));
    const states = (await real.ec2.findInstances({ [tagKeys.project]: projectId })).filter(isAlive);
    assert.deepEqual(new Set(states.map(({ state }) => state)), new Set(['stopped']));
    assert.deepEqual(await down(), { projectId, stopped: [], terminated: [] });
    await up();
    assert.deepEqual(await snapshot(), before);
  });

  it('asks before it ends what cannot be stopped', async () => {
    await up(flagsOf('1xc6i.large:spot'));
    const refused = takeDownOnAws(choice(), { ...work, identityFile: null, from, confirm: async () => false }, parts());
    await assert.rejects(refused, { code: 'USAGE' });
    const alive = (await real.ec2.findInstances({ [tagKeys.project]: projectId })).filter(isAlive);
    assert.deepEqual(new Set(alive.map(({ state }) => state)), new Set(['running']));
  });
});

describe('aws destroy', () => {
  it('removes everything and proves it', async () => {
    await up({ ...flagsOf('1xm6i.large', '1xc6i.large:spot'), group: '1-2xc6i.large' });
    const client = new EC2Client({ region, endpoint: moto.url });
    const kept = { AvailabilityZone: `${region}a`, Size: 1 };
    const tag = { Key: tagKeys.project, Value: projectId };
    const TagSpecifications = [{ ResourceType: 'volume' as const, Tags: [tag] }];
    await client.send(new CreateVolumeCommand({ ...kept, TagSpecifications }));
    const { removed } = await destroy();
    assert.ok(removed.length > 8, removed.join(', '));
    assert.deepEqual(await listLeftovers(real, projectId), []);
    const state = await readProjectState(dir);
    assert.deepEqual([state?.id, state?.aws, state?.context], [projectId, null, null]);
    assert.deepEqual(
      await readdir(join(root, 'config', 'sparkplug', 'keys')).then((all) =>
        all.filter((name) => name.startsWith(projectId)),
      ),
      [],
    );
    assert.deepEqual((await destroy()).removed, []);
  });

  it('wants the id of the project', async () => {
    await up();
    const asked = destroyOnAws(choice(), { ...work, askId: async () => 'yes' }, parts());
    await assert.rejects(asked, { code: 'USAGE' });
    assert.equal((await real.ec2.findInstances({ [tagKeys.project]: projectId })).filter(isAlive).length, 1);
  });
});

describe('aws status', () => {
  it('tells machines, groups and which projects there are', async () => {
    assert.equal((await readAwsStatus(choice(), parts())).project, null);
    await up(flagsOf('1xm6i.large'));
    const { projects, project } = await readAwsStatus(choice(), parts());
    assert.deepEqual(projects, [projectId]);
    assert.deepEqual(
      project?.machines.map(({ name, state }) => [name, state]),
      [
        ['conductor', 'running'],
        ['follower-1', 'running'],
      ],
    );
    assert.equal(project?.wish, 't3.xlarge 1xm6i.large disk=50');
  });
});

describe('the command line', () => {
  const run = (...args: readonly string[]) => sparkplug(dir, ['aws', ...args], { env: { AWS_ENDPOINT_URL: moto.url } });

  it('plans and tells in text and JSON', async () => {
    const planned = await run('plan', '--region', region, '--followers', '1xm6i.large', '-o', 'json');
    assert.equal(planned.exitCode, 0, planned.all);
    const { fleet, plan } = JSON.parse(planned.stdout) as {
      readonly fleet: string;
      readonly plan: { readonly machines: object[] };
    };
    assert.deepEqual([fleet, plan.machines.length], ['t3.xlarge 1xm6i.large disk=50', 2]);
    const text = await run('plan', '--region', region);
    assert.match(text.stdout, /^account 123456789012, eu-central-1: t3\.xlarge disk=50\nlist price: /);
    await up(flagsOf('1xm6i.large'));
    // The region is the one that the machines are in.
    const status = await run('status');
    assert.equal(status.exitCode, 0, status.all);
    assert.match(status.stdout, /conductor +running +t3\.xlarge/);
    assert.match(status.stdout, /follower-1 +running +m6i\.large/);
  });

  it('lists the projects of the account outside of any project', async () => {
    await up();
    const outside = { env: { AWS_ENDPOINT_URL: moto.url } };
    const { exitCode, stdout, all } = await sparkplug(root, ['aws', 'status', '--region', region], outside);
    assert.equal(exitCode, 0, all);
    assert.match(stdout, new RegExp(`this folder has no machines here\\nother projects here: ${projectId}`));
  });

  it('destroys after a yes, and not without a terminal to say it on', async () => {
    await up();
    const refused = await run('destroy');
    assert.equal(refused.exitCode, 2, refused.all);
    assert.match(refused.stderr, new RegExp(`error USAGE: [\\s\\S]*Type ${projectId}[\\s\\S]*--yes`));
    const destroyed = await run('destroy', '--yes');
    assert.equal(destroyed.exitCode, 0, destroyed.all);
    assert.match(destroyed.stdout, /removed instance i-\w+[\s\S]*nothing with the tag of bought-\w+ is left/);
    assert.deepEqual(await listLeftovers(real, projectId), []);
  });
});

describe('a lost computer', () => {
  it('is replaced by another one that takes the project over', async () => {
    await up(flagsOf('1xm6i.large'));
    const before = await snapshot();
    process.env.XDG_CONFIG_HOME = join(root, 'other-computer');
    try {
      dir = await mkdtemp(join(root, 'clone-'));
      await writeProject();
      assert.deepEqual((await readAwsStatus(choice(), parts())).projects, [projectId]);
      await assert.rejects(up(noFlags, { takeOver: 'other-abc123' }), { code: 'AWS_NO_CLUSTER' });
      await up(noFlags, { takeOver: projectId });
      assert.deepEqual(await snapshot(), before);
      await destroy();
    } finally {
      process.env.XDG_CONFIG_HOME = join(root, 'config');
    }
    assert.deepEqual(await listLeftovers(real, projectId), []);
  });
});

describe('bad input', () => {
  const nothingIsLeft = async () => assert.deepEqual(await listLeftovers(real, projectId), []);

  it('no credentials', async () => {
    const before = { ...process.env };
    const none = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', AWS_EC2_METADATA_DISABLED: 'true', HOME: root };
    Object.assign(process.env, none);
    try {
      const without = parts({ aws: createAws({ region, profile: null }) });
      await assert.rejects(planOnAws(choice(), noFlags, without), {
        code: 'AWS_NO_CREDENTIALS',
        hint: /aws configure/,
      });
    } finally {
      for (const name of Object.keys(none)) {
        if (before[name] === undefined) delete process.env[name];
        else process.env[name] = before[name];
      }
    }
  });

  it('no region, and one that is none', async () => {
    for (const wrong of [null, 'Frankfurt']) {
      const without = parts({ aws: createAws({ region: wrong, profile: null }) });
      await assert.rejects(planOnAws(choice(), noFlags, without), { code: 'AWS_NO_REGION', hint: /--region/ });
    }
  });

  it('a type that is unknown, or nowhere offered', async () => {
    await assert.rejects(up(flagsOf('1xm6i.enormous')), { code: 'AWS_TYPE_UNKNOWN', met: /m6i\.enormous/ });
    const subnets = await real.ec2.findSubnets({ vpcId: (await real.ec2.findVpc(null))?.id ?? '' });
    const type = { code: 'InsufficientInstanceCapacity', message: 'We currently do not have sufficient capacity.' };
    proxy.answer('RunInstances', type);
    await assert.rejects(up(noFlags, { subnet: subnets[0]?.id }), { code: 'AWS_TYPE_UNAVAILABLE' });
    proxy.answer('RunInstances', null);
    await nothingIsLeft();
  });

  it('machines of several architectures, another conductor than there is, another VPC', async () => {
    await assert.rejects(up(flagsOf('1xm7g.large')), { code: 'USAGE', met: /m7g\.large is arm64/ });
    await nothingIsLeft();
    await up();
    await assert.rejects(up({ ...noFlags, conductor: 'm6i.xlarge' }), { code: 'USAGE', place: '--conductor' });
    await assert.rejects(up(noFlags, { vpc: 'vpc-00000000' }), { code: 'AWS_NO_DEFAULT_VPC' });
  });

  it('a quota that is too low: known before, or told at the launch', async () => {
    proxy.answer('GetServiceQuota', { json: { Quota: { Value: 5 } } });
    await assert.rejects(up(flagsOf('2xm6i.xlarge')), { code: 'AWS_QUOTA', message: /need 12 virtual cores.* 5/ });
    proxy.answer('GetServiceQuota', null);
    proxy.answer('RunInstances', { code: 'VcpuLimitExceeded', message: 'You have requested more vCPU capacity.' });
    await assert.rejects(up(), { code: 'AWS_QUOTA', hint: /Service Quotas/ });
    proxy.answer('RunInstances', null);
    await nothingIsLeft();
  });

  it('no default VPC, and a subnet that is not there', async () => {
    proxy.answer('DescribeVpcs', { code: 'InvalidVpcID.NotFound', message: "The vpc ID 'vpc-1' does not exist" });
    await assert.rejects(up(), { code: 'AWS_NO_DEFAULT_VPC', hint: /create-default-vpc/ });
    proxy.answer('DescribeVpcs', null);
    const noVpc = parts({ aws: { ...aws, ec2: { ...aws.ec2, findVpc: async () => null } } });
    const asked = { ...work, ...reach, flags: noFlags, takeOver: null };
    await assert.rejects(bringUpOnAws(choice(), asked, noVpc), { code: 'AWS_NO_DEFAULT_VPC', met: /default/ });
    await assert.rejects(up(noFlags, { subnet: 'subnet-00000000' }), { code: 'AWS_NO_DEFAULT_VPC' });
    await nothingIsLeft();
  });

  it('a key pair that is not in the region, a file that is no key, and a lost private half', async () => {
    await assert.rejects(up(noFlags, { key: 'none' }), { code: 'AWS_KEY_MISSING', met: 'none' });
    await assert.rejects(up(noFlags, { identityFile: join(dir, 'sparkplug.yaml') }), { code: 'AWS_KEY_MISSING' });
    await nothingIsLeft();
    await up();
    await rename(machineKeyFile(projectId), `${machineKeyFile(projectId)}.away`);
    await assert.rejects(up(), { code: 'AWS_KEY_MISSING', hint: /--take-over/ });
  });

  it('a right that is missing is named', async () => {
    const message =
      'You are not authorized to perform this operation. User: arn:aws:iam::123456789012:user/x is not authorized to perform: ec2:CreateSecurityGroup on resource: arn:aws:ec2:*. Encoded authorization failure message: AAAA';
    proxy.answer('CreateSecurityGroup', { code: 'UnauthorizedOperation', message });
    await assert.rejects(up(), { code: 'AWS_DENIED', place: 'ec2:CreateSecurityGroup', met: /^(?!.*AAAA)/ });
    proxy.answer('CreateSecurityGroup', null);
    proxy.answer('CreateRole', { code: 'AccessDenied', message: 'no' });
    await assert.rejects(up(flagsOf('1xm6i.large')), { code: 'AWS_DENIED', place: 'iam:CreateRole' });
    proxy.answer('CreateRole', null);
    await destroy();
    await nothingIsLeft();
  });

  it('a follower that never reports is told with its console, and ended', async () => {
    swarm.silent = true;
    await assert.rejects(up(flagsOf('1xm6i.large')), { code: 'AWS_INSTANCE_SILENT', place: /^i-/, met: /./ });
    const alive = (await real.ec2.findInstances({ [tagKeys.project]: projectId })).filter(isAlive);
    assert.deepEqual(
      alive.map(({ tags }) => tags[tagKeys.role]),
      ['conductor'],
    );
    swarm.silent = false;
    await up();
    assert.equal(swarm.members.size, 1);
  });

  it('a machine that ends instead of starting is told so, and waiting has its end', async () => {
    const { machines } = await up();
    const ids = machines.map(({ id }) => id);
    const waiting = { maxSeconds: 1, signal: work.signal };
    await assert.rejects(real.ec2.awaitInstances(ids, 'stopped', waiting), { code: 'AWS_FAILED', met: /within 1 s/ });
    await real.ec2.terminateInstances(ids);
    await assert.rejects(real.ec2.awaitInstances(ids, 'running', waiting), { code: 'AWS_FAILED', met: /ended/ });
  });

  it('a conductor that never answers leaves nothing behind', async () => {
    const silent = parts({
      openGate: (opening) => ({
        ...swarm.openGate(opening),
        reach: async () => {
          throw new SparkPlugError('AWS_INSTANCE_SILENT', 'the conductor does not answer');
        },
      }),
    });
    const asked = { ...work, ...reach, flags: noFlags, takeOver: null };
    await assert.rejects(bringUpOnAws(choice(), asked, silent), { code: 'AWS_INSTANCE_SILENT' });
    await nothingIsLeft();
    assert.equal((await readProjectState(dir))?.aws, null);
  });

  it('a machine image of another account', async () => {
    proxy.answer('RunInstances', {
      code: 'AuthFailure',
      message: 'Not authorized for images: [ami-00000000000000001]',
    });
    await assert.rejects(up(), { code: 'AWS_IMAGE_MISSING', hint: /aws image/ });
    proxy.answer('RunInstances', null);
    await nothingIsLeft();
  });

  it('the wrong account touches nothing', async () => {
    await up();
    const state = await readProjectState(dir);
    await writeProjectState(dir, { ...state, id: projectId, aws: { account: '210987654321', region } });
    for (const verb of [destroy, down, up, () => scale('followers=1')]) {
      await assert.rejects(verb(), { code: 'AWS_OTHER_ACCOUNT', met: /210987654321/ });
    }
    await writeProjectState(dir, { ...state, id: projectId, aws: { account: '123456789012', region: 'us-east-1' } });
    await assert.rejects(destroy(), { code: 'AWS_OTHER_ACCOUNT', hint: /--region us-east-1/ });
    assert.equal((await real.ec2.findInstances({ [tagKeys.project]: projectId })).filter(isAlive).length, 1);
  });

  it('a project without anything on AWS', async () => {
    await assert.rejects(down(), { code: 'AWS_NO_CLUSTER' });
    await assert.rejects(scale('followers=1'), { code: 'AWS_NO_CLUSTER' });
  });
});

describe('docs/aws.md', () => {
  it('has the rights for all calls, and none that nothing needs', async () => {
    noteCalls();
    const page = await readFile(join(repository, 'docs', 'aws.md'), 'utf8');
    const [, policy = '{}'] = /```json\n([\s\S]*?)```/.exec(page) ?? [];
    const { Statement } = JSON.parse(policy) as {
      readonly Statement: readonly { readonly Action: readonly string[] }[];
    };
    const listed = new Set(Statement.flatMap(({ Action }) => Action).map((action) => action.split(':')[1] ?? ''));
    // Everybody may ask who he is.
    const needed = [...used].filter((action) => action !== 'GetCallerIdentity');
    assert.deepEqual(
      needed.filter((action) => !listed.has(action)),
      [],
    );
    // Asked for beside a call that has another name, or by machine images.
    const beside = ['CreateServiceLinkedRole', 'DescribeImages', 'PassRole', 'TagInstanceProfile', 'TagRole'];
    const unneeded = [...listed].filter((action) => !used.has(action) && !beside.includes(action));
    assert.deepEqual(unneeded, []);
  });
});

/** What an operation begins with, and itself. */
interface Operation {
  readonly name: string;
  readonly prepare: () => Promise<unknown>;
  readonly run: () => Promise<unknown>;
}

const twoKinds = flagsOf('1xm6i.large', '1xc6i.large:spot');
const operations: readonly Operation[] = [
  { name: 'up from nothing', prepare: async () => {}, run: () => up({ ...twoKinds, group: '1-2xc6i.large' }) },
  {
    name: 'up after down',
    prepare: async () => {
      await up(twoKinds);
      await down();
    },
    run: () => up(),
  },
  { name: 'scale out', prepare: () => up(), run: () => scale('followers=1xm6i.large') },
  { name: 'scale in', prepare: () => up(flagsOf('1xm6i.large')), run: () => scale('followers=0') },
  { name: 'down', prepare: () => up({ ...twoKinds, group: '1-2xc6i.large' }), run: down },
  { name: 'destroy', prepare: makeOneOfEach, run: destroy },
];

/** As `up` makes them, in fewer calls. */
async function makeOneOfEach(): Promise<void> {
  const name = resourceName(projectId);
  const { ec2, iam, scaling, ssm } = real;
  const vpcId = (await ec2.findVpc(null))?.id ?? assert.fail('no VPC');
  const [subnet = assert.fail('no subnet')] = await ec2.findSubnets({ vpcId });
  const securityGroupId = await ec2.createSecurityGroup({
    ...{ name, vpcId, description: name },
    tags: tagsOf(projectId, 'network'),
  });
  const key = await ensureKey(real, projectId, { key: null, identityFile: null });
  await iam.createRole(name, 'ec2.amazonaws.com', tagsOf(projectId, 'access'));
  await iam.putPolicy(name, 'read-join-order', followerPolicy(projectId, { account: '1', region, partition: 'aws' }));
  await iam.createProfile(name, tagsOf(projectId, 'access'));
  await iam.addRole(name, name);
  const shape = {
    ...{ type: 't3.small', imageId: 'ami-00000000000000001', rootDevice: '/dev/xvda', diskGiB: 20, keyName: key.name },
    ...{ securityGroupId, instanceProfile: null, userData: '#cloud-config\n', spot: false },
  };
  const tags = tagsOf(projectId, 'conductor');
  await ec2.runInstance({ ...shape, tags, subnetId: subnet.id, clientToken: projectId });
  const grouped = tagsOf(projectId, 'group');
  const templateId = await ec2.createTemplate(name, { ...shape, tags: grouped });
  await scaling.createGroup({ name, min: 1, max: 2, templateId, subnetIds: [subnet.id], tags: grouped });
  await ssm.putSecret(`${joinPath(projectId)}/count`, 'secret');
  await writeProjectState(dir, { id: projectId, aws: { account: '123456789012', region } });
}

describe(`${failingCalls} of every operation fails once`, () => {
  for (const { name, prepare, run } of operations) {
    it(name, { timeout: 600_000 }, async () => {
      await prepare();
      proxy.reset();
      await run();
      const calls = [...proxy.calls()];
      const wanted = await snapshot();
      /** What AWS was told before a failure: the same again leaves the same behind, and needs no second look. */
      const seen = new Set<string>();
      let untouched = false;
      for (const { call, action, fault } of listFailures(calls)) {
        const place = `call ${call} of ${calls.length}, ${action}, ${fault}`;
        if (!untouched) {
          await begin();
          await prepare();
        }
        proxy.reset({ call, fault });
        // A waiter looks again by itself, and prices stop nothing: then there is no failure.
        const failure = await run().then(
          () => null,
          (error: unknown) => error,
        );
        const told = proxy.calls().filter((one, at) => isChange(one) && (at !== call - 1 || fault === 'lost'));
        if (failure === null) assert.deepEqual(await snapshot(), wanted, place);
        else {
          const { code } = failure as SparkPlugError;
          assert.match(code, /^AWS_/, `${place}: ${failure}`);
        }
        untouched = told.length === 0;
        const state = told.join(' ');
        if (failure === null || seen.has(state)) continue;
        seen.add(state);
        untouched = false;
        proxy.reset();
        await run();
        assert.deepEqual(await snapshot(), wanted, place);
        // What is the same as without a fault is destroyed as without one; here more was made and taken back.
        if (name !== 'up from nothing') continue;
        await destroy();
        assert.deepEqual(await listLeftovers(real, projectId), [], place);
      }
      assert.ok(seen.size > 0);
    });
  }
});
