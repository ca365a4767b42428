import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultCluster, severalCluster } from '../../test/fixtures/example-clusters.ts';
import type { RunOptions } from '../adapters/docker/docker.ts';
import { trustRegistry } from './trust-registry.ts';

test('the engine writes the certificate itself, by a container that may nothing else', async () => {
  const calls: { readonly args: readonly string[]; readonly input: string | undefined }[] = [];
  const docker = {
    run: async (args: readonly string[], options: RunOptions = {}) => {
      calls.push({ args, input: options.input });
      return '';
    },
  };
  await trustRegistry(docker, severalCluster.desired);
  const [call] = calls;
  const text = call?.args.join(' ') ?? '';
  assert.match(text, /--network none --user 0:0 --cap-drop ALL --cap-add DAC_OVERRIDE /);
  assert.match(text, /--volume \/etc\/docker\/certs\.d:\/certs\.d --entrypoint sh sparkplug\/conductor:3333 /);
  assert.equal(call?.args.at(-1), '10.0.0.5:5000');
  assert.equal(call?.input, severalCluster.desired.registry?.caCertificate);
  await trustRegistry(docker, defaultCluster.desired);
  assert.equal(calls.length, 1);
});
