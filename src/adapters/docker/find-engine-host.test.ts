import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { findEngineHost, hostOf } from './find-engine-host.ts';

let config = '';
before(async () => {
  config = await mkdtemp(join(tmpdir(), 'sparkplug-docker-'));
});
after(() => rm(config, { recursive: true, force: true }));

/** A client whose context `lab` is at 10.214.64.10. */
const docker = (context: string | null) => ({
  context,
  run: async (args: readonly string[]) => {
    assert.equal(args[2], 'lab');
    return 'tcp://10.214.64.10:2376\n';
  },
});

test('the host of every form of endpoint', () => {
  const hosts: readonly (readonly [string, string | null])[] = [
    ['unix:///var/run/docker.sock', null],
    ['npipe:////./pipe/docker_engine', null],
    ['tcp://10.0.0.5:2376', '10.0.0.5'],
    ['tcp://build.example.com:2375', 'build.example.com'],
    ['tcp://[fd00::5]:2376', 'fd00::5'],
    ['ssh://ada@build.example.com', 'build.example.com'],
    ['ssh://ada@10.0.0.5:2222', '10.0.0.5'],
    ['tcp://127.0.0.1:2375', null],
    ['tcp://localhost:2375', null],
    ['nonsense', null],
  ];
  for (const [endpoint, host] of hosts) assert.equal(hostOf(endpoint), host, endpoint);
});

test('a named context beats the environment, the environment beats the one in use', async () => {
  const env = { DOCKER_CONFIG: config };
  assert.equal(await findEngineHost(docker(null), env), null);
  assert.equal(await findEngineHost(docker('lab'), { ...env, DOCKER_HOST: 'tcp://10.0.0.9:2375' }), '10.214.64.10');
  assert.equal(await findEngineHost(docker(null), { ...env, DOCKER_HOST: 'tcp://10.0.0.9:2375' }), '10.0.0.9');
  assert.equal(await findEngineHost(docker(null), { ...env, DOCKER_CONTEXT: 'lab' }), '10.214.64.10');
  await writeFile(join(config, 'config.json'), JSON.stringify({ currentContext: 'lab' }));
  assert.equal(await findEngineHost(docker(null), env), '10.214.64.10');
  assert.equal(await findEngineHost(docker('default'), env), null);
  assert.equal(await findEngineHost(docker(null), { ...env, DOCKER_HOST: 'unix:///var/run/docker.sock' }), null);
});
