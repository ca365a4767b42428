import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultCluster } from '../../test/fixtures/example-clusters.ts';
import { hideAddresses } from './hide-addresses.ts';

const { desired } = defaultCluster;
const [job] = desired.config.jobs;
assert.ok(job !== undefined);
const onFailure = { url: 'https://user:pw@hooks.example.com:8443/services/T0K3N?key=s3cret', secret: 'hook_key' };
const onSuccess = { url: 'http://10.0.0.7/done', secret: null };
const telling = { ...desired, config: { ...desired.config, jobs: [{ ...job, onFailure, onSuccess }, job] } };

test('an admin sees addresses of webhooks whole, all others only whose they are', () => {
  assert.deepEqual(hideAddresses(telling, 'admin'), telling);
  for (const scope of ['run', 'read', null] as const) {
    const [first, second] = hideAddresses(telling, scope).config.jobs;
    assert.deepEqual(first?.onFailure, { url: 'https://hooks.example.com:8443/…', secret: 'hook_key' });
    assert.deepEqual(first?.onSuccess, { url: 'http://10.0.0.7/…', secret: null });
    assert.deepEqual(second, job);
    assert.equal(/T0K3N|s3cret|pw@|done/.test(JSON.stringify(hideAddresses(telling, scope))), false);
  }
});
