import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { assertGolden } from '../../../../test/fixtures/assert-golden.ts';
import { renderCheckScript } from './render-check-script.ts';
import { renderWipeScript } from './render-wipe-script.ts';

/** What a used machine has, below a folder that plays its root. */
const used = [
  'var/lib/docker/swarm/certificates/swarm-node.key',
  'var/lib/docker/engine-id',
  'etc/docker/certs.d/10.0.0.5:5000/ca.crt',
  'root/.docker/config.json',
  'home/admin/.ssh/authorized_keys',
  'home/admin/.bash_history',
  'etc/ssh/ssh_host_ed25519_key',
  'etc/machine-id',
  'var/lib/cloud/instances/i-1/user-data.txt',
  'var/log/cloud-init-output.log',
  'var/log/journal/abc/system.journal',
  'var/log/syslog.1',
  'tmp/secret',
  'usr/local/lib/sparkplug/boot',
];
const kept = ['var/lib/docker/image/overlay2/repositories.json', 'etc/ssh/sshd_config', 'home/admin/.profile'];

/** Runs the script with a root of its own. `stubborn`: a file that `rm` does not remove. */
function wipe(stubborn: string | null) {
  const root = mkdtempSync('/tmp/sparkplug-wipe-');
  const program = (name: string, ...lines: readonly string[]) => {
    mkdirSync(join(root, 'bin'), { recursive: true });
    writeFileSync(join(root, 'bin', name), ['#!/bin/sh', ...lines, ''].join('\n'));
    chmodSync(join(root, 'bin', name), 0o755);
  };
  try {
    for (const path of [...used, ...kept]) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), 'content');
    }
    program('docker', 'echo "docker $*"');
    program('apt-get');
    program('sync');
    program('rm', `case "$*" in *${stubborn ?? 'nothing-at-all'}*) ;; *) exec /bin/rm "$@" ;; esac`);
    const script = renderWipeScript().replaceAll(/(?<![\w/.])\/(?=(?:var|etc|root|home|run|tmp|usr)\b)/g, `${root}/`);
    // It removes what it names: not one path of this computer may be left in it.
    const outside = script.match(/(?<![\w/.*])\/[a-z]+/g)?.filter((path) => path !== '/dev' && path !== '/tmp') ?? [];
    assert.deepEqual([outside, /(?<![\w/.*])\/tmp(?!\/sparkplug-wipe-)/.test(script)], [[], false]);
    const { status, stdout, stderr } = spawnSync('sh', ['-s'], {
      input: script,
      encoding: 'utf8',
      env: { PATH: `${root}/bin:/usr/bin:/bin` },
    });
    const left = used.filter((path) => existsSync(join(root, path)) && readFileSync(join(root, path), 'utf8') !== '');
    return { status, stdout, stderr, left, kept: kept.filter((path) => existsSync(join(root, path))) };
  } finally {
    rmSync(root, { recursive: true });
  }
}

test('what tells a machine from others goes, what it runs stays', () => {
  const { status, stderr, left, kept: stayed } = wipe(null);
  assert.deepEqual([status, stderr, left, stayed], [0, '', [], kept]);
});

test('what cannot be removed is named, and no image is made of it', () => {
  const { status, stderr } = wipe('engine-id');
  assert.equal(status, 1);
  assert.match(stderr, /^left: \S+\/var\/lib\/docker\/engine-id$/m);
});

test('both scripts are what they were, and sh accepts them', () => {
  const scripts = { wipe: renderWipeScript(), check: renderCheckScript(['sparkplug/spark:abc', "it's"]) };
  for (const [name, input] of Object.entries(scripts)) {
    assertGolden(`machine-image/${name}.sh`, input);
    const { status, stderr } = spawnSync('sh', ['-n'], { input, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  }
});
