// A machine that systemd runs, as nearly every one outside of containers: Docker is installed, started and left to systemd.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { renderProvisionScript } from '../../src/operations/machines/render-provision-script.ts';
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
});
