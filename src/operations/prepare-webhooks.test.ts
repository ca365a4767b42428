import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createPrivateAuthority } from '../../test/fixtures/private-authority.ts';
import { WebhookSettings } from '../adapters/webhook/webhook-settings.ts';
import { parseConfig } from '../config/parse-config.ts';
import type { SecretFile } from '../config/user-folder.ts';
import type { ProgressEvent } from '../progress.ts';
import { prepareWebhooks } from './prepare-webhooks.ts';

const folder = mkdtempSync(join(tmpdir(), 'sparkplug-webhooks-'));
const bundle = join(folder, 'authority.pem');
const inherited = process.env.XDG_CONFIG_HOME;
before(async () => {
  process.env.XDG_CONFIG_HOME = folder;
  writeFileSync(bundle, (await createPrivateAuthority()).certificate);
});
after(() => {
  if (inherited === undefined) delete process.env.XDG_CONFIG_HOME;
  else process.env.XDG_CONFIG_HOME = inherited;
  rmSync(folder, { recursive: true, force: true });
});

const telling = parseConfig(
  'name: shop\njobs: { words: { main: a.py, on_failure: https://hooks.example.com/a } }\n',
  'f',
);
const silent = parseConfig('name: shop\njobs: { words: { main: a.py } }\n', 'f');

async function prepare(config: typeof telling, env: Record<string, string>) {
  const reports: ProgressEvent[] = [];
  const report = (message: ProgressEvent) => void reports.push(message);
  const secrets = await prepareWebhooks({ projectId: 'shop-abc123', config, env, report });
  return { secrets, warnings: reports.flatMap((message) => (message.kind === 'warning' ? [message.text] : [])) };
}

function read([secret]: readonly SecretFile[]): WebhookSettings {
  assert.ok(secret !== undefined);
  return WebhookSettings.parse(JSON.parse(readFileSync(secret.path, 'utf8')));
}

const named = { CURL_CA_BUNDLE: bundle };

test('authorities and proxies of this computer go along, as a secret that changes with them', async () => {
  const proxies = { HTTPS_PROXY: 'http://me:s3cret@proxy.example.com:3128', no_proxy: 'intern.example.com' };
  const { secrets, warnings } = await prepare(telling, { ...named, ...proxies });
  const settings = read(secrets);
  assert.ok(settings.certificates.includes(readFileSync(bundle, 'utf8')));
  assert.deepEqual([settings.httpProxy, settings.httpsProxy], [null, proxies.HTTPS_PROXY]);
  assert.equal(settings.noProxy, proxies.no_proxy);
  assert.deepEqual(warnings, []);
  assert.deepEqual(
    secrets.map(({ name }) => name),
    ['webhook_settings'],
  );
  const again = await prepare(telling, { ...named, ...proxies });
  assert.equal(again.secrets[0]?.hash, secrets[0]?.hash);
  const other = await prepare(telling, named);
  assert.notEqual(other.secrets[0]?.hash, secrets[0]?.hash);
});

test('a project that tells nobody anything needs none of it', async () => {
  assert.deepEqual((await prepare(silent, named)).secrets, []);
});

test('the variables are read as curl reads them', async () => {
  const { secrets } = await prepare(telling, {
    all_proxy: 'proxy.example.com:3128',
    http_proxy: 'https://a.example:1',
  });
  const { httpProxy, httpsProxy } = read(secrets);
  assert.deepEqual([httpProxy, httpsProxy], ['https://a.example:1', 'http://proxy.example.com:3128']);
});

test('a proxy that the scheduler cannot use is left out, and the warning has no password', async () => {
  for (const [address, why] of [
    ['http://me:s3cret@127.0.0.1:3128', /127\.0\.0\.1 is another place/],
    ['http://localhost:3128', /localhost/],
    ['socks5://me:s3cret@proxy.example.com', /socks5:\/\/ is no proxy/],
    ['http://me:s3cret@[broken', /no address/],
  ] as const) {
    const { secrets, warnings } = await prepare(telling, { ...named, https_proxy: address });
    assert.equal(read(secrets).httpsProxy, null);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', why);
    assert.doesNotMatch(warnings.join(), /s3cret/);
  }
});
