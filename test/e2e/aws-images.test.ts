// The verbs of `aws image` against moto by the real SDK, with every one of their calls failing once. What stands behind a
// builder (SSH, engine) is played here and proven by aws-boot.test.ts. Needs no Docker.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { CreateLaunchTemplateCommand, EC2Client } from '@aws-sdk/client-ec2';
import { type Aws, createAws } from '../../src/adapters/ec2/ec2.ts';
import { type ImagePlan, imageNames } from '../../src/images/image-plan.ts';
import { type BuildingPlace, buildFromProject } from '../../src/operations/aws/images/build-machine-images.ts';
import type { BuilderGate, BuilderProject } from '../../src/operations/aws/images/builder-gate.ts';
import { copyOfPlan } from '../../src/operations/aws/images/copy-machine-images.ts';
import { builderResource, nameBuilder } from '../../src/operations/aws/images/image-work.ts';
import { listOfPlan } from '../../src/operations/aws/images/list-machine-images.ts';
import { imageTags, type MachineRole, machineRoles } from '../../src/operations/aws/images/machine-images.ts';
import { pruneMachineImages } from '../../src/operations/aws/images/prune-machine-images.ts';
import { type FaultProxy, startFaultProxy } from '../aws/fault-proxy.ts';
import { listFailures } from '../aws/list-failures.ts';
import { type Moto, startMoto } from '../aws/start-moto.ts';
import { makeProject, repository, sparkplug } from './support/sparkplug.ts';

let moto: Moto;
let proxy: FaultProxy;
/** Through the proxy, as the product. */
let aws: Aws;
let elsewhere: Aws;
/** Past the proxy, to look and to prepare. */
let real: Aws;
let realElsewhere: Aws;
const region = 'eu-central-1';

before(async () => {
  moto = await startMoto();
  proxy = await startFaultProxy(moto.url);
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    // Each fault is to be met; what the SDK itself does about it is the SDK's.
    AWS_MAX_ATTEMPTS: '1',
  });
  [aws, elsewhere] = await openAws(proxy.url);
  [real, realElsewhere] = await openAws(moto.url);
});
/** Every call that was made. */
const made = new Set<string>();
afterEach(() => {
  for (const action of proxy.calls()) made.add(action);
});
after(async () => {
  await proxy?.stop();
  await moto?.stop();
});
beforeEach(async () => {
  await moto.reset();
  proxy.reset();
});

/** The SDK reads the variable when a client is made, which is at its first call. */
async function openAws(url: string): Promise<readonly [Aws, Aws]> {
  process.env.AWS_ENDPOINT_URL = url;
  const made = [region, 'us-east-1'].map((name) => createAws({ region: name, profile: null }, { pollSeconds: 0.01 }));
  const [one, other] = made as [Aws, Aws];
  for (const each of made) await each.images.findImages('self', 'none');
  return [one, other];
}

function planOf(content: string): ImagePlan {
  const planned = imageNames.map((name) => [name, { name, ref: `sparkplug/${name}:${content}` }]);
  return Object.fromEntries(planned) as ImagePlan;
}

const projectOf = (content: string) => ({ read: { plan: planOf(content) } }) as unknown as BuilderProject;
const work = { report: () => {}, signal: new AbortController().signal };

interface PlayedGate {
  readonly done: string[];
  readonly place: BuildingPlace;
}

/** A builder that does what it is told and notes it. */
function playGate(through: Aws, change: Partial<BuilderGate> = {}): PlayedGate {
  const done: string[] = [];
  const note = (text: string) => async () => {
    done.push(text);
  };
  const gate: BuilderGate = {
    awaitReady: note('ready'),
    fill: async (names) => {
      done.push(`fill ${names.join(' ')}`);
    },
    check: note('check'),
    wipe: note('wipe'),
    close: note('close'),
    ...change,
  };
  const place = {
    aws: through,
    openGate: () => gate,
    findFrom: async () => '203.0.113.7/32',
    subnetId: null,
    type: null,
  };
  return { done, place };
}

const build = async (through: Aws, content = 'one', roles: readonly MachineRole[] = machineRoles) =>
  await buildFromProject(projectOf(content), playGate(through).place, { roles, arch: 'amd64' }, work);

/** Everything in the account that a build, a copy or a prune makes or leaves. */
async function look(where: Aws) {
  const images = await where.images.findImages('self', '*');
  const snapshots = await where.images.findSnapshots({ [imageTags.role]: '*' });
  const instances = await where.ec2.findInstances({});
  const keyPair = await where.ec2.hasKeyPair(builderResource(nameBuilder()));
  return {
    images: images
      .map(({ name, state, tags }) => [name, state, tags[imageTags.role], tags[imageTags.content]].join(' '))
      .toSorted(),
    /** Disks that belong to no image. */
    orphans: snapshots.filter(({ id }) => !images.some(({ snapshotIds }) => snapshotIds.includes(id))).length,
    instances: instances.filter(({ state }) => state !== 'terminated').map(({ id }) => id),
    groups: (await where.ec2.findSecurityGroups({ [imageTags.builder]: '*' })).map(({ id }) => id),
    keyPair,
  };
}

/** Fails calls of `verb` once, and runs it again: the account must look as if nothing had failed. */
async function failCalls(
  prepare: () => Promise<unknown>,
  verb: () => Promise<unknown>,
  lookAfter: () => Promise<unknown>,
): Promise<void> {
  await moto.reset();
  await prepare();
  proxy.reset();
  await verb();
  const calls = proxy.calls();
  for (const action of calls) made.add(action);
  assert.ok(calls.length > 0);
  const expected = await lookAfter();
  for (const { call, action, fault } of listFailures(calls)) {
    await moto.reset();
    await prepare();
    proxy.reset({ call, fault });
    await verb().catch((error: unknown) => assert.match(String(error), /SparkPlugError/));
    proxy.reset();
    await verb();
    assert.deepEqual(await lookAfter(), expected, `call ${call}, ${action}: ${fault}`);
  }
}

describe('aws image build', () => {
  it('makes both images of Debian’s newest, the follower’s of the conductor’s, and leaves no builder', async () => {
    const { done, place } = playGate(aws);
    const built = await buildFromProject(
      projectOf('one'),
      place,
      { roles: ['follower', 'conductor'], arch: 'amd64' },
      work,
    );
    assert.deepEqual(
      built.map(({ role, how }) => [role, how]),
      [
        ['follower', 'built'],
        ['conductor', 'built'],
      ],
    );
    const steps = (names: string) => ['ready', `fill ${names}`, 'check', 'wipe', 'close'];
    assert.deepEqual(done, [...steps('base builder hdfs spark conductor registry'), ...steps('hdfs spark conductor')]);
    const instances = (await real.ec2.findInstances({})).toSorted((a, b) => a.launchedAt.localeCompare(b.launchedAt));
    const conductor = built.find(({ role }) => role === 'conductor');
    assert.deepEqual(
      new Set(instances.map(({ imageId }) => imageId)),
      new Set(['ami-00000000000000002', conductor?.id]),
    );
    const { images, ...left } = await look(real);
    assert.equal(images.length, 2);
    assert.match(
      images.join('\n'),
      /^sparkplug-conductor-\S+-amd64-(\w{12}) available conductor \1\nsparkplug-follower-/,
    );
    assert.deepEqual(left, { orphans: 0, instances: [], groups: [], keyPair: false });
  });

  it('changes nothing where they are there, and makes others for another content', async () => {
    await build(aws);
    const once = await look(real);
    const again = await build(aws);
    assert.deepEqual([again.map(({ how }) => how), await look(real)], [['present', 'present'], once]);
    await build(aws, 'two', ['conductor']);
    assert.equal((await look(real)).images.length, 3);
  });

  it('finishes or removes what any failing call has left', { timeout: 600_000 }, async () => {
    await failCalls(
      async () => {},
      () => build(aws),
      () => look(real),
    );
  });

  it('removes the builder where the machine itself fails, and where the user ends it', async () => {
    const silent = playGate(aws, { awaitReady: () => Promise.reject(new Error('silent')) });
    const which = { roles: machineRoles, arch: 'amd64' } as const;
    await assert.rejects(buildFromProject(projectOf('one'), silent.place, which, work), /silent/);
    const stop = new AbortController();
    const stopped = playGate(aws, { check: async () => stop.abort(new Error('Ctrl-C')) });
    await assert.rejects(
      buildFromProject(projectOf('one'), stopped.place, which, { ...work, signal: stop.signal }),
      /Ctrl-C|abort/i,
    );
    assert.ok(stopped.done.includes('close'));
    assert.deepEqual(await look(real), { images: [], orphans: 0, instances: [], groups: [], keyPair: false });
  });

  it('removes what a build that was killed has left, and leaves another computer’s build alone', async () => {
    await leaveBuilder(nameBuilder());
    const other = await leaveBuilder('0123456789ab');
    await build(aws);
    const { instances, groups, keyPair } = await look(real);
    assert.deepEqual([instances, groups, keyPair], [[other.instance], [other.group], false]);
  });

  it('says what is missing before anything is made', async () => {
    const bare = { ...playGate(aws).place, subnetId: 'subnet-00000000000000000' };
    const which = { roles: machineRoles, arch: 'amd64' } as const;
    await assert.rejects(buildFromProject(projectOf('one'), bare, which, work), { code: 'AWS_NO_DEFAULT_VPC' });
    assert.deepEqual((await look(real)).groups, []);
  });
});

/** As a command that was killed leaves it. */
async function leaveBuilder(builder: string) {
  const tags = { [imageTags.builder]: builder };
  const vpc = await real.ec2.findVpc(null);
  const [subnet] = await real.ec2.findSubnets({ vpcId: vpc?.id ?? '' });
  const name = builderResource(builder);
  const group = await real.ec2.createSecurityGroup({ name, description: 'x', vpcId: vpc?.id ?? '', tags });
  await real.ec2.importKeyPair(
    name,
    'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl',
    tags,
  );
  const { id: instance } = await real.ec2.runInstance({
    ...{ type: 't3.large', imageId: 'ami-00000000000000002', rootDevice: '/dev/xvda', diskGiB: 20, keyName: name },
    ...{ securityGroupId: group, instanceProfile: null, userData: '', spot: false, tags, clientToken: builder },
    subnetId: subnet?.id ?? '',
  });
  return { group, instance };
}

describe('aws image list', () => {
  it('tells what this version starts from and what is in use', async () => {
    const [conductor] = await build(aws, 'one');
    await build(aws, 'two', ['conductor']);
    await startFrom(conductor?.id ?? '');
    const listed = await listOfPlan(planOf('two'), aws);
    const facts = listed.map(({ role, current, uses }) => [role, current, uses].join(' ')).toSorted();
    assert.deepEqual(facts, ['conductor false 1', 'conductor true 0', 'follower false 0']);
  });
});

/** A machine of a cluster. */
async function startFrom(imageId: string): Promise<string> {
  const vpc = await real.ec2.findVpc(null);
  const [subnet] = await real.ec2.findSubnets({ vpcId: vpc?.id ?? '' });
  const tags = { 'sparkplug:project': 'geo-1a2b3c' };
  const group = await real.ec2.createSecurityGroup({ name: 'geo', description: 'x', vpcId: vpc?.id ?? '', tags });
  const { id } = await real.ec2.runInstance({
    ...{ type: 't3.large', imageId, rootDevice: '/dev/xvda', diskGiB: 20, keyName: null, securityGroupId: group },
    ...{ instanceProfile: null, userData: '', spot: false, tags, clientToken: 'x', subnetId: subnet?.id ?? '' },
  });
  return id;
}

describe('aws image copy', () => {
  const copy = async () =>
    await copyOfPlan(planOf('one'), { from: aws, to: elsewhere, roles: machineRoles, arch: 'amd64' }, work);

  it('takes both into the other region, once', async () => {
    await build(real);
    assert.deepEqual(
      (await copy()).map(({ how }) => how),
      ['copied', 'copied'],
    );
    const there = await look(realElsewhere);
    assert.deepEqual(there, await look(real));
    assert.deepEqual(
      (await copy()).map(({ how }) => how),
      ['present', 'present'],
    );
    assert.deepEqual(await look(realElsewhere), there);
  });

  it('says what is not there, and that a region is no other one', async () => {
    await assert.rejects(copy(), { code: 'AWS_IMAGE_MISSING' });
    const here = { from: aws, to: aws, roles: machineRoles, arch: 'amd64' } as const;
    await assert.rejects(copyOfPlan(planOf('one'), here, work), { code: 'USAGE' });
  });

  it('finishes what any failing call has left', { timeout: 300_000 }, async () => {
    await failCalls(
      () => build(real),
      copy,
      () => look(realElsewhere),
    );
  });
});

describe('aws image prune', () => {
  const prune = async (keep: number) => await pruneMachineImages(aws, keep, work);

  it('keeps the newest and what is in use; disks go with their images, builders that were left as well', async () => {
    const [used] = await build(real, 'one', ['conductor']);
    const [template] = await build(real, 'two', ['conductor']);
    await build(real, 'three');
    await build(real, 'four', ['conductor']);
    const machine = await startFrom(used?.id ?? '');
    await nameInTemplate(template?.id ?? '');
    await leaveBuilder(nameBuilder());
    await real.images.createImage({
      instanceId: machine,
      name: 'of-somebody-else',
      description: 'x',
      tags: { Name: 'x' },
    });
    // moto's clock has seconds only: which of several is the newest is a matter of the names' order then.
    const pruned = await prune(0);
    assert.deepEqual(pruned.inUse.toSorted(), [used?.name, template?.name].toSorted());
    assert.equal(pruned.instances.length, 1);
    assert.equal(pruned.snapshots.length, pruned.images.length);
    const { images, ...left } = await look(real);
    assert.deepEqual(
      images.map((text) => text.split(' ')[0]),
      ['of-somebody-else', used?.name, template?.name].toSorted(),
    );
    assert.deepEqual(left, { orphans: 0, instances: [machine], groups: [], keyPair: false });
  });

  it('takes another computer’s builder away once it can be at work no more', async () => {
    const { instance } = await leaveBuilder('0123456789ab');
    assert.deepEqual((await prune(0)).instances, []);
    await real.ec2.stopInstances([instance]);
    assert.deepEqual((await prune(0)).instances, [instance]);
    const { instances, groups } = await look(real);
    assert.deepEqual([instances, groups, await real.ec2.hasKeyPair(builderResource('0123456789ab'))], [[], [], false]);
  });

  it('finishes what any failing call has left', { timeout: 300_000 }, async () => {
    const prepare = async () => {
      await build(real, 'one', ['conductor']);
      await leaveBuilder(nameBuilder());
    };
    await failCalls(
      prepare,
      () => prune(0),
      () => look(real),
    );
    assert.deepEqual(await look(real), { images: [], orphans: 0, instances: [], groups: [], keyPair: false });
  });
});

describe('the command line', () => {
  it('lists, copies and prunes, and says what is missing', async () => {
    const folder = await makeProject({
      'sparkplug.yaml': 'name: e2e-images\njobs:\n  one: { main: job.py }\n',
      'job.py': '',
    });
    const env = { AWS_ENDPOINT_URL: moto.url };
    const run = async (...args: readonly string[]) =>
      await sparkplug(folder, ['aws', 'image', ...args, '--region', region], { env });
    const empty = await run('list', '-o', 'json');
    assert.deepEqual([empty.exitCode, JSON.parse(empty.stdout)], [0, { images: [] }], empty.all);
    assert.match((await run()).stdout, /none in this region.*aws image build/);
    const missing = await run('copy', 'follower', '--to', 'us-east-1');
    assert.equal(missing.exitCode, 1);
    assert.match(missing.all, /error AWS_IMAGE_MISSING: [\s\S]*fix: sparkplug aws image build follower/);
    const [built] = await build(real);
    assert.match((await run('list')).stdout, new RegExp(`conductor +0\\.1\\.0 +amd64 +${built?.id} +available`));
    const pruned = await run('prune', '--keep', '0', '--yes', '-o', 'json');
    assert.equal((JSON.parse(pruned.stdout) as { images: string[] }).images.length, 2, pruned.all);
    const refused = await run('prune', '--keep', '0');
    assert.match(refused.all, /--yes/);
    const strange = await run('build', 'everything');
    assert.equal(strange.exitCode, 2, strange.all);
  });
});

describe('docs/aws-images.md', () => {
  it('names the rights for all calls, and no others', async () => {
    const page = await readFile(join(repository, 'docs', 'aws-images.md'), 'utf8');
    const [, listed = ''] = /## Rights for these verbs\n\n`ec2:` ([\w,\s]+)\./.exec(page) ?? [];
    // The one that only the real gate makes.
    const needed = [...made, 'GetConsoleOutput'];
    assert.deepEqual(listed.split(/,\s+/).toSorted(), [...new Set(needed)].toSorted());
  });
});

/** As a group of a cluster does. */
async function nameInTemplate(imageId: string): Promise<void> {
  const client = new EC2Client({ region, endpoint: moto.url });
  await client.send(
    new CreateLaunchTemplateCommand({
      LaunchTemplateName: 'sparkplug-geo-1a2b3c',
      LaunchTemplateData: { ImageId: imageId },
    }),
  );
}
