import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { renderProvisionScript } from './render-provision-script.ts';

interface Scene {
  readonly os?: string;
  readonly freeKiB?: number;
  /** Programs that are there from the beginning. */
  readonly engine?: boolean;
  /** Whether the engine ever answers. */
  readonly answers?: boolean;
  readonly aptFails?: boolean;
  /** How often apt-get says that another one has its lists. */
  readonly listsTaken?: number;
  /** Whether the lists have docker.io. */
  readonly hasPackage?: boolean;
}

/** Runs the script with everything that it calls noted and none of it real. */
function runScript({
  os = 'ID=debian\n',
  freeKiB = 50_000_000,
  engine = false,
  answers = true,
  aptFails = false,
  listsTaken = 0,
  hasPackage = true,
}: Scene) {
  const folder = mkdtempSync(join(tmpdir(), 'sparkplug-provision-'));
  const program = (name: string, ...lines: readonly string[]) => {
    writeFileSync(join(folder, name), ['#!/bin/sh', `echo "${name} $*" >>${folder}/calls`, ...lines, ''].join('\n'));
    chmodSync(join(folder, name), 0o755);
  };
  try {
    writeFileSync(join(folder, 'os-release'), os);
    program('df', `echo 'Filesystem'; echo 'disk 1 1 ${freeKiB} 1% /'`);
    program('apt-cache', `case "$*" in *docker.io) exit ${hasPackage ? 0 : 100};; esac`);
    const docker = [`case "$*" in *ServerVersion*) echo 26.1.5;; info) exit ${answers ? '0' : '1'};; esac`];
    program(
      'apt-get',
      `case "$*" in update*) if [ "$(grep -c 'apt-get update' ${folder}/calls)" -le ${listsTaken} ]; then`,
      '  echo "E: Could not get lock /var/lib/apt/lists/lock"; exit 100; fi;; esac',
      aptFails ? 'echo "E: no network"; exit 100' : 'exit 0',
    );
    program('sleep', 'exit 0');
    program('setsid', 'exit 0');
    if (engine) program('dockerd');
    program('docker', ...docker);
    const script = renderProvisionScript()
      .replaceAll('/etc/os-release', join(folder, 'os-release'))
      .replaceAll('/var/lib/docker', join(folder, 'data'))
      .replaceAll('/run/systemd/system', join(folder, 'no-systemd'))
      .replaceAll('/var/log/dockerd.log', join(folder, 'dockerd.log'));
    const { status, stdout, stderr } = spawnSync('sh', ['-s'], {
      input: script,
      encoding: 'utf8',
      env: { PATH: `${folder}:/usr/bin:/bin` },
    });
    return { status, stdout, stderr, calls: readFileSync(join(folder, 'calls'), 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('an engine that is there is left as it is', () => {
  const { status, stdout, calls } = runScript({ engine: true });
  assert.deepEqual([status, stdout.trim().split('\n').at(-1)], [0, '26.1.5']);
  assert.doesNotMatch(calls, /apt-get|setsid/);
});

test('a missing one is installed from the distribution’s packages', () => {
  const { status, calls } = runScript({});
  assert.equal(status, 0);
  assert.match(
    calls,
    /apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=300 docker\.io docker-cli iptables/,
  );
});

test('another system, a small disk, failing packages and an engine that stays silent each say so', () => {
  const cases: readonly (readonly [Scene, number, RegExp])[] = [
    [{ os: 'ID=fedora\nPRETTY_NAME="Fedora 40"\n' }, 65, /this is Fedora 40/],
    [{ freeKiB: 1024 * 500 }, 66, /only 500 MiB are free/],
    [{ aptFails: true }, 68, /E: no network/],
    [{ hasPackage: false }, 68, /have no docker\.io/],
    [{ engine: true, answers: false }, 67, /does not start/],
  ];
  for (const [scene, code, reason] of cases) {
    const { status, stderr } = runScript(scene);
    assert.equal(status, code, stderr);
    assert.match(stderr, reason);
  }
});

test('another apt-get that has the lists is waited for; a mirror that fails is not fatal', () => {
  const { status, calls } = runScript({ listsTaken: 3 });
  assert.deepEqual([status, calls.match(/apt-get update/g)?.length, calls.match(/^sleep 5$/gm)?.length], [0, 4, 3]);
  const away = runScript({ aptFails: true });
  assert.deepEqual([away.status, away.calls.match(/apt-get update/g)?.length], [68, 1]);
  assert.match(away.calls, /apt-get install/);
});

test('Ubuntu counts, by what it says it is like', () => {
  assert.equal(runScript({ os: 'ID=ubuntu\nID_LIKE=debian\n' }).status, 0);
});

test('sh accepts it', () => {
  assert.equal(spawnSync('sh', ['-n'], { input: renderProvisionScript() }).status, 0);
});
