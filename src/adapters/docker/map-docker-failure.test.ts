import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mapDockerFailure } from './map-docker-failure.ts';

const cases: readonly (readonly [code: string, command: string, text: string])[] = [
  [
    'DOCKER_NOT_RUNNING',
    'info',
    'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?',
  ],
  [
    'DOCKER_NOT_RUNNING',
    'info',
    'failed to connect to the docker API at unix:///var/run/docker.sock; check if the path is correct and if the daemon is running: dial unix /var/run/docker.sock: connect: no such file or directory',
  ],
  [
    'DOCKER_NOT_PERMITTED',
    'info',
    'Got permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: dial unix /var/run/docker.sock: connect: permission denied',
  ],
  [
    'DOCKER_TOO_OLD',
    'info',
    'Error response from daemon: client version 1.52 is too new. Maximum supported API version is 1.40',
  ],
  [
    'DOCKER_CONTEXT_MISSING',
    'info',
    'Failed to initialize: unable to resolve docker endpoint: context "lab": context not found: open x',
  ],
  [
    'SWARM_UNUSABLE',
    'service',
    'Error response from daemon: This node is not a swarm manager. Use "docker swarm init"',
  ],
  ['REGISTRY_UNAUTHORIZED', 'push', 'Error response from daemon: Head "https://r/v2/": no basic auth credentials'],
  ['REGISTRY_UNAUTHORIZED', 'pull', 'Error response from daemon: unauthorized: authentication required'],
  [
    'IMAGE_MISSING',
    'pull',
    'Error response from daemon: manifest for r/team/spark:1 not found: manifest unknown: manifest unknown',
  ],
  ['REGISTRY_UNREACHABLE', 'pull', 'Get "https://127.0.0.1:9/v2/": dial tcp 127.0.0.1:9: connect: connection refused'],
  ['REGISTRY_UNREACHABLE', 'pull', 'x509: certificate signed by unknown authority'],
  ['DISK_FULL', 'build', 'write /var/lib/docker/tmp/x: no space left on device'],
  ['IMAGE_MISSING', 'tag', 'Error response from daemon: No such image: a:b'],
  ['DOCKER_FAILED', 'run', 'dial tcp 10.0.0.1:80: connect: connection refused'],
  ['DOCKER_FAILED', 'network', 'Error response from daemon: network x has active endpoints'],
];

for (const [code, command, text] of cases) {
  test(`docker ${command}: "${text.slice(0, 60)}…" is ${code}`, () => {
    const error = mapDockerFailure([command, 'x'], text, null);
    assert.equal(error.code, code);
    assert.ok(error.hint !== undefined);
  });
}

test('a failure of a context names it', () => {
  assert.equal(mapDockerFailure(['info'], 'error during connect: x', 'lab').place, 'context lab');
});

test('progress before the failure stays out of the message', () => {
  const error = mapDockerFailure(
    ['service', 'rm'],
    "a\nb\nc\nd\nError response from daemon: e\nRun 'docker --help'",
    null,
  );
  assert.equal(error.message, 'docker service failed: c; d; e');
});
