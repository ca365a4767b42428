import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainBuildFailure } from './explain-build-failure.ts';
import { findStages } from './find-stages.ts';

const explain = (name: 'worker' | 'spark', ...log: readonly string[]) => explainBuildFailure(name, log, '/logs/x.log');

test('a requirement that does not exist is named, with the newest versions where there are any', () => {
  const version = explain(
    'worker',
    'ERROR: Could not find a version that satisfies the requirement pandas==99.1 (from versions: 2.0, 3.0, 3.1)',
    'ERROR: No matching distribution found for pandas==99.1',
  );
  assert.equal(version.code, 'REQUIREMENT_FAILED');
  assert.match(version.message, /pandas==99\.1.*newest: 2\.0, 3\.0, 3\.1/);
  assert.equal(version.met, 'pandas==99.1');
  const name = explain(
    'worker',
    '#8 1.2 ERROR: Could not find a version that satisfies the requirement nope (from versions: none)',
  );
  assert.match(name.message, /the index has no such package/);
});

test('requirements that exclude each other, are malformed or need a compiler are named', () => {
  assert.equal(explain('worker', "ERROR: Invalid requirement: 'a=='").code, 'REQUIREMENT_FAILED');
  assert.match(explain('worker', 'ERROR: Failed building wheel for lxml').message, /lxml.*no wheel/);
  assert.match(
    explain(
      'worker',
      'ERROR: Cannot install a==1 and b==2 because these package versions have conflicting dependencies.',
    ).message,
    /a==1 and b==2.*exclude/,
  );
});

test('a JVM package that no repository has is named as the user wrote it', () => {
  const error = explain('worker', '[ERROR] Could not find artifact com.acme:nope:jar:1.0 in central (https://x)');
  assert.equal(error.code, 'PACKAGE_FAILED');
  assert.equal(error.met, 'com.acme:nope:1.0');
});

test('a Debian package that does not exist is named', () => {
  const error = explain('worker', 'E: Unable to locate package libnope');
  assert.equal(error.code, 'APT_FAILED');
  assert.equal(error.met, 'libnope');
});

test('a Debian package in a version that does not exist, or that fits nothing, is told apart from one that is unknown', () => {
  const version = explain('worker', "E: Version '99' for 'libgomp1' was not found");
  assert.deepEqual([version.code, version.met], ['APT_FAILED', 'libgomp1=99']);
  assert.match(version.message, /another version/);
  const log = [
    'The following packages have unmet dependencies:',
    ' libold : Depends: libssl1.1 but it is not installable',
  ];
  const unmet = explain('worker', ...log, 'E: Unable to correct problems, you have held broken packages.');
  assert.deepEqual([unmet.code, unmet.met], ['APT_FAILED', 'libold']);
  assert.match(unmet.message, /Depends: libssl1\.1/);
});

test('a JVM package that Maven remembers as missing is named too', () => {
  const words = 'was not found in https://repo.example.com/maven2 during a previous attempt. This failure was cached';
  const error = explain('worker', `[ERROR] Failed to execute goal: com.acme:nope:jar:1.0 ${words}`);
  assert.deepEqual([error.code, error.met], ['PACKAGE_FAILED', 'com.acme:nope:1.0']);
});

test('a build step that the kernel killed says so', () => {
  const classic = explain('worker', 'Killed', "The command '/bin/sh -c pip' returned a non-zero code: 137");
  assert.match(classic.message, /killed \(exit code 137\), most likely for lack of memory/);
  assert.match(explain('spark', 'did not complete successfully: exit code: 137').message, /lack of memory/);
});

test('a package server away is no fault of the requirement', () => {
  const error = explain(
    'worker',
    'WARNING: Retrying (Retry(total=0)) after connection broken by NewConnectionError(x)',
    'ERROR: No matching distribution found for numpy',
  );
  assert.equal(error.code, 'IMAGE_BUILD_FAILED');
  assert.match(error.message, /server was not reached/);
});

test('a full disk is a full disk in any image', () => {
  assert.equal(explain('spark', 'OSError: [Errno 28] No space left on device').code, 'DISK_FULL');
});

test('other failures show their last error, the last lines and where the rest is', () => {
  const error = explain(
    'spark',
    'step one',
    'sh: 1: fetch: not found',
    "The command 'x' returned a non-zero code: 127",
  );
  assert.equal(error.code, 'IMAGE_BUILD_FAILED');
  assert.match(error.message, /fetch: not found/);
  assert.match(error.hint ?? '', /\/logs\/x\.log[\s\S]*step one/);
});

test('stages that others only copied from are found, the image a stage starts from is not', () => {
  const log = [
    'Step 1/6 : ARG A',
    'Step 2/6 : FROM a AS packages',
    ' ---> aaaaaaaaaaaa',
    'Step 3/6 : RUN x',
    ' ---> Running in cccccccccccc',
    ' ---> bbbbbbbbbbbb',
    'Step 4/6 : FROM b',
    ' ---> dddddddddddd',
    'Step 5/6 : RUN y',
    ' ---> eeeeeeeeeeee',
  ];
  assert.deepEqual(findStages(log, true), ['bbbbbbbbbbbb']);
  assert.deepEqual(findStages(log, false), ['bbbbbbbbbbbb', 'eeeeeeeeeeee']);
  assert.deepEqual(findStages(['Step 1/1 : FROM a', ' ---> aaaaaaaaaaaa'], false), []);
});
