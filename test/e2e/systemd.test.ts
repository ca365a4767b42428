// A machine that systemd runs, as nearly every one outside of containers: Docker is installed, started and left to systemd.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import pWaitFor from 'p-wait-for';
import { renderFollowerUserData } from '../../src/operations/machines/boot/render-user-data.ts';
import { renderProvisionScript } from '../../src/operations/machines/render-provision-script.ts';
import { docker } from './support/docker.ts';
import { startSystemdMachine, type TestMachine } from './support/machine.ts';

let machine: TestMachine;
before(async () => {
  machine = await startSystemdMachine('sparkplug-test-systemd');
  await machine.exec(['mkdir', '/project']);
});
after(async () => {
  await machine?.remove();
});

async function systemctl(...args: readonly string[]): Promise<string> {
  return (await machine.exec(['systemctl', ...args])).all.trim();
}

describe('on a machine with systemd', () => {
  it('doctor --fix installs Docker, which systemd runs and starts at the next boot', async () => {
    const { exitCode, all } = await machine.sparkplug('doctor', '--fix', '--yes');
    assert.equal(exitCode, 0, all);
    assert.match(all, /✔ install Docker Engine/);
    assert.equal(await systemctl('is-active', 'docker'), 'active');
    assert.equal(await systemctl('is-enabled', 'docker'), 'enabled');
  });

  it('doctor --fix has systemd start an engine that was stopped', async () => {
    await systemctl('stop', 'docker.socket', 'docker.service');
    const stopped = await machine.sparkplug('doctor');
    assert.equal(stopped.exitCode, 1, stopped.all);
    assert.match(stopped.all, /DOCKER_NOT_RUNNING/);
    const { exitCode, all } = await machine.sparkplug('doctor', '--fix', '--yes');
    assert.equal(exitCode, 0, all);
    assert.equal(await systemctl('is-active', 'docker'), 'active');
  });

  it('the script that readies further machines changes nothing where Docker runs, and starts it where it does not', async () => {
    await machine.write('/tmp/provision', renderProvisionScript());
    const startedAt = await systemctl('show', '--property', 'ExecMainStartTimestampMonotonic', 'docker');
    const again = await machine.exec(['sh', '/tmp/provision']);
    assert.match(again.all, /^\d+\.\d+\S*$/);
    assert.equal(await systemctl('show', '--property', 'ExecMainStartTimestampMonotonic', 'docker'), startedAt);
    await systemctl('disable', '--now', 'docker.socket', 'docker.service');
    const started = await machine.exec(['sh', '/tmp/provision']);
    assert.equal(started.exitCode, 0, started.all);
    assert.equal(await systemctl('is-enabled', 'docker'), 'enabled');
  });

  it('cloud-init boots a follower of EC2: its label, its units, and what it waits for on the console', async () => {
    const install =
      'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends cloud-init curl >/dev/null';
    assert.equal((await machine.exec(['sh', '-c', install])).exitCode, 0);
    await machine.write('/etc/cloud/cloud.cfg.d/95_image.cfg', imageSettings);
    const boot = { region: 'eu-central-1', parameter: '/sparkplug/geo-1a2b3c/join', storage: false, spot: true };
    await machine.write(`${seed}/user-data`, renderFollowerUserData({ ...boot, endpoint: null }));
    await machine.write(`${seed}/meta-data`, JSON.stringify({ 'instance-id': 'i-1' }));
    await docker('restart', machine.name);
    const waits = async () => /cannot join yet: .*no instance profile/.test(await journal('sparkplug-follow'));
    await pWaitFor(waits, { interval: 500, timeout: 120_000 });
    const ended = await machine.exec(['cloud-init', 'status', '--wait']);
    assert.match(ended.all, /status: done/);
    assert.equal(await systemctl('is-enabled', 'sparkplug-follow', 'sparkplug-watch-notice'), 'enabled\nenabled');
    assert.equal(await systemctl('is-active', 'docker', 'sparkplug-watch-notice'), 'active\nactive');
    const engine = await machine.exec(['docker', 'info', '--format', '{{json .Labels}}']);
    assert.equal(engine.stdout, '["sparkplug.storage=none"]');
  });
});

const seed = '/var/lib/cloud/seed/nocloud';
/** What Debian's image for EC2 has in it, and what a container must keep: its network, its packages' origin. */
const imageSettings =
  'datasource_list: [NoCloud]\nnetwork: { config: disabled }\napt: { preserve_sources_list: true }\npreserve_hostname: true\n';

async function journal(unit: string): Promise<string> {
  return (await machine.exec(['journalctl', '--no-pager', '--unit', unit])).all;
}
