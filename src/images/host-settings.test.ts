import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { rootCertificates } from 'node:tls';
import { selectExtraCertificates } from './ca-certificates.ts';
import { toSources } from './debian-image.ts';
import { readProxies, writeHostSettings } from './host-settings.ts';
import { parsePipConfig, renderPipSettings } from './pip-settings.ts';

test('authorities that are known need not be passed on', () => {
  const [known = '', extra = ''] = rootCertificates;
  const text = `# bundle\n${known}\nnoise\n${extra}\n${extra}\n-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n`;
  const selected = selectExtraCertificates(text, [known]);
  assert.equal(selected.length, 1);
  assert.equal(new X509Certificate(selected[0] ?? '').fingerprint256, new X509Certificate(extra).fingerprint256);
  assert.deepEqual(selectExtraCertificates(text, rootCertificates), []);
});

test('pip is told of indexes, not of this computer’s files', () => {
  const system = parsePipConfig(
    '[global]\ntimeout = 60\ncert = /etc/x.crt\nfind-links =\n    /opt/wheels\n    https://w.example.com/\n[list]\nformat = json\n',
  );
  const user = parsePipConfig('# mine\n[install]\nindex-url: https://i.example.com/simple\ntimeout = 90\n');
  assert.equal(
    renderPipSettings([system, user]),
    '[global]\nindex-url = https://i.example.com/simple\nfind-links = https://w.example.com/\ntimeout = 90\n',
  );
  assert.equal(renderPipSettings([parsePipConfig('[global]\nfind-links = /opt/wheels\n')]), null);
});

test('proxies are passed on in both spellings', () => {
  assert.deepEqual(readProxies({ HTTPS_PROXY: 'http://p:1', no_proxy: 'localhost', http_proxy: '' }), {
    https_proxy: 'http://p:1',
    HTTPS_PROXY: 'http://p:1',
    no_proxy: 'localhost',
    NO_PROXY: 'localhost',
  });
});

test('settings become files, and the folder is there without any', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sparkplug-settings-'));
  try {
    await writeHostSettings(join(folder, 'a'), {
      certificates: [],
      pipConfig: null,
      mavenSettings: null,
      proxyArgs: {},
    });
    assert.deepEqual(await readdir(join(folder, 'a')), ['certs']);
    await writeHostSettings(join(folder, 'b'), {
      certificates: ['x'],
      pipConfig: 'p',
      mavenSettings: 'm',
      proxyArgs: {},
    });
    assert.deepEqual((await readdir(join(folder, 'b'))).sort(), ['certs', 'pip.conf', 'settings.xml']);
    assert.deepEqual(await readdir(join(folder, 'b', 'certs')), ['extra-1.crt']);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('a Debian host’s own servers are asked for our release, security included', () => {
  const targets =
    'http://d.example/debian/ Debian Debian\nhttp://s.example/sec/ Debian Debian-Security\nhttp://x.example/ Docker Docker CE\n';
  assert.deepEqual(toSources(targets), [
    'deb http://d.example/debian/ trixie main',
    'deb http://d.example/debian/ trixie-updates main',
    'deb http://s.example/sec/ trixie-security main',
  ]);
  assert.deepEqual(toSources(''), []);
});
