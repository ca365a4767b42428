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
