import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { parse } from 'yaml';
import { assertGolden } from '../../../../test/fixtures/assert-golden.ts';
import { renderProvisionScript } from '../render-provision-script.ts';
import {
  type FollowerBoot,
  renderBuilderUserData,
  renderConductorUserData,
  renderFollowerUserData,
} from './render-user-data.ts';

const dataNode: FollowerBoot = {
  region: 'eu-central-1',
  parameter: '/sparkplug/geo-1a2b3c/join',
  storage: true,
  spot: false,
  endpoint: null,
};
const spot: FollowerBoot = { ...dataNode, storage: false, spot: true };

const all: Readonly<Record<string, string>> = {
  'follower.yaml': renderFollowerUserData(dataNode),
  'follower-spot.yaml': renderFollowerUserData(spot),
  'conductor.yaml': renderConductorUserData(),
  'builder.yaml': renderBuilderUserData(180),
};

/** It changes for reasons of its own; that it is the right one has a test below. */
function leaveOutProvisioning(text: string): string {
  const indented = renderProvisionScript().replaceAll(/^(?=.)/gm, '      ');
  assert.equal(text.split(indented).length, 2);
  return text.replace(indented, () => '      (the provisioning script)\n');
}

interface CloudConfig {
  readonly write_files: readonly { readonly path: string; readonly content: string }[];
  readonly runcmd: readonly (readonly string[])[];
}

function filesOf(text: string): Readonly<Record<string, string>> {
  const { write_files: files } = parse(text) as CloudConfig;
  return Object.fromEntries(files.map(({ path, content }) => [path, content]));
}

for (const [name, text] of Object.entries(all)) {
  test(`${name} is what it was`, () => assertGolden(`user-data/${name}`, leaveOutProvisioning(text)));

  test(`${name} fits into an instance's user-data and begins as cloud-init asks`, () => {
    assert.ok(Buffer.byteLength(text) < 16 * 1024);
    assert.match(text, /^#cloud-config\n/);
  });

  test(`${name}: sh accepts every script, and the last command runs the one that boots`, () => {
    const files = filesOf(text);
    const scripts = Object.entries(files).filter(([path]) => path.startsWith('/usr/local/lib/sparkplug/'));
    assert.ok(scripts.length >= 2);
    for (const [path, input] of scripts) {
      const { status, stderr } = spawnSync('sh', ['-n'], { input, encoding: 'utf8' });
      assert.equal(status, 0, `${path}: ${stderr}`);
    }
    assert.deepEqual((parse(text) as CloudConfig).runcmd, [['sh', '/usr/local/lib/sparkplug/boot']]);
    assert.ok('/usr/local/lib/sparkplug/boot' in files);
  });

  test(`${name} readies the machine by the script of machine add`, () => {
    assert.equal(filesOf(text)['/usr/local/lib/sparkplug/provision'], renderProvisionScript());
  });

  test(`${name} holds no secret and no identity of a Swarm`, () => {
    for (const forbidden of [/SWMTKN/, /BEGIN/, /AKIA/, /ASIA/, /swarm join/, /docker login/, /authorized/, /:2377/]) {
      assert.doesNotMatch(text, forbidden);
    }
  });
}

test('a machine that may hold blocks gets no label; one that may not gets it before its engine starts', () => {
  assert.equal(filesOf(renderFollowerUserData(dataNode))['/etc/docker/daemon.json'], undefined);
  const config = filesOf(renderFollowerUserData(spot))['/etc/docker/daemon.json'] ?? '';
  assert.deepEqual(JSON.parse(config), { labels: ['sparkplug.storage=none'] });
});

test('only a spot instance looks for notices', () => {
  const watcher = '/usr/local/lib/sparkplug/watch-notice';
  assert.ok(watcher in filesOf(renderFollowerUserData(spot)));
  assert.ok(!(watcher in filesOf(renderFollowerUserData({ ...spot, spot: false }))));
});

test('regions of China have a domain of their own, and a test its own endpoint', () => {
  const serviceOf = (boot: Partial<FollowerBoot>) =>
    /^service='(.*)'$/m.exec(
      filesOf(renderFollowerUserData({ ...dataNode, ...boot }))['/usr/local/lib/sparkplug/follow'] ?? '',
    )?.[1];
  assert.equal(serviceOf({}), 'https://ssm.eu-central-1.amazonaws.com/');
  assert.equal(serviceOf({ region: 'cn-north-1' }), 'https://ssm.cn-north-1.amazonaws.com.cn/');
  assert.equal(serviceOf({ endpoint: 'http://10.0.0.1:5000/' }), 'http://10.0.0.1:5000/');
});
