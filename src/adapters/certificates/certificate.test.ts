import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { before, describe, it } from 'node:test';
import { type CertificateFiles, inspectCertificate, makeCertificate } from './certificate.ts';

const dayMs = 86_400_000;
const now = Date.UTC(2026, 10, 22);
const hosts = ['localhost', 'laptop', '127.0.0.1', '::1', '10.0.0.7'];

let files: CertificateFiles;
before(async () => {
  files = await makeCertificate(hosts, now, 730 * dayMs);
});

const messageOf = (pair: CertificateFiles, nowMs = now): string => {
  const found = inspectCertificate(pair, nowMs);
  return 'message' in found ? found.message : 'fine';
};

describe('a certificate made on the spot', () => {
  it('is one for a server under these names, signed by itself', () => {
    const certificate = new X509Certificate(files.certificate);
    assert.ok(certificate.verify(certificate.publicKey));
    assert.equal(certificate.ca, false);
    assert.equal(certificate.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
    assert.equal(certificate.checkHost('laptop'), 'laptop');
    assert.equal(certificate.checkHost('localhost'), 'localhost');
    for (const address of ['127.0.0.1', '::1', '10.0.0.7']) assert.equal(certificate.checkIP(address), address);
    assert.equal(certificate.checkHost('elsewhere'), undefined);
    assert.equal(certificate.validToDate.getTime(), now + 730 * dayMs);
  });

  it('is for who asks, where that is wanted', async () => {
    const usesOf = ({ certificate }: CertificateFiles) => new X509Certificate(certificate).keyUsage;
    assert.deepEqual(usesOf(files), ['1.3.6.1.5.5.7.3.1']);
    assert.deepEqual(usesOf(await makeCertificate(['lab'], now, dayMs, 'client')), ['1.3.6.1.5.5.7.3.2']);
  });

  it('tells its names and addresses', () => {
    const found = inspectCertificate(files, now);
    assert.ok('facts' in found);
    assert.deepEqual(found.facts.names, ['localhost', 'laptop']);
    assert.deepEqual(found.facts.addresses, ['127.0.0.1', '0:0:0:0:0:0:0:1', '10.0.0.7']);
  });

  it('is never the same', async () => {
    const other = await makeCertificate(hosts, now, dayMs);
    const [a, b] = [files, other].map(({ certificate }) => new X509Certificate(certificate));
    assert.notEqual(a?.serialNumber, b?.serialNumber);
    assert.notEqual(files.key, other.key);
  });
});

describe('an inspection', () => {
  it('tells the facts', () => {
    const found = inspectCertificate(files, now);
    assert.ok('facts' in found);
    assert.match(found.facts.fingerprint, /^[0-9A-F]{2}(:[0-9A-F]{2}){31}$/);
    assert.deepEqual(found.facts.names, ['localhost', 'laptop']);
  });

  it('finds what cannot be used', async () => {
    const other = await makeCertificate(hosts, now, dayMs);
    const encrypted = createPrivateKey(files.key).export({
      format: 'pem',
      type: 'pkcs8',
      cipher: 'aes-256-cbc',
      passphrase: 'x',
    });
    assert.equal(messageOf({ ...files, key: other.key }), 'Certificate and key do not belong together.');
    assert.equal(messageOf(files, now + 730 * dayMs), 'The certificate expired on 2028-11-21.');
    assert.equal(messageOf(files, now - dayMs), 'The certificate is valid from 2026-11-21 on only.');
    assert.equal(messageOf({ ...files, certificate: files.key }), 'The file holds no certificate.');
    assert.equal(messageOf({ ...files, certificate: '' }), 'The file holds no certificate.');
    assert.equal(messageOf({ ...files, key: files.certificate }), 'The secret holds no private key.');
    assert.equal(messageOf({ ...files, key: String(encrypted) }), 'The key is protected by a passphrase.');
    assert.equal(messageOf({ ...files, certificate: files.certificate + other.certificate }), 'fine');
  });
});
