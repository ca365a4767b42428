import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { type CertificateFiles, inspectCertificate, makeCertificate } from '../adapters/certificates/certificate.ts';
import type { WebTrust } from '../config/project-state.ts';
import type { ErrorCode } from '../errors.ts';
import { SparkPlugError } from '../errors.ts';
import { createApiClient } from './client.ts';

const plain: WebTrust = { kind: 'plain' };
const withCode = (code: ErrorCode) => (error: unknown) => error instanceof SparkPlugError && error.code === code;

interface Side {
  readonly url: string;
  readonly seen: string[];
  readonly trust: WebTrust;
}

const servers: Server[] = [];
let ours: Side;
let stranger: Side;
let expired: Side;
let open: Side;

before(async () => {
  ours = await listen(await makeCertificate(['127.0.0.1'], Date.now(), 86_400_000));
  stranger = await listen(await makeCertificate(['127.0.0.1'], Date.now(), 86_400_000));
  expired = await listen(await makeCertificate(['127.0.0.1'], Date.now() - 2 * 86_400_000, 86_400_000));
  open = await listen(null);
});
after(() => {
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
});

async function listen(files: CertificateFiles | null): Promise<Side> {
  const seen: string[] = [];
  const answer = { status: 'ok', version: '0.0.0' };
  const server = files === null ? createServer() : createTlsServer({ cert: files.certificate, key: files.key });
  server.on('request', (request, response) => {
    seen.push(request.headers.authorization ?? '');
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  servers.push(server);
  const { port } = server.address() as AddressInfo;
  return { url: `https://127.0.0.1:${port}`, seen, trust: files === null ? plain : trustIn(files) };
}

function trustIn(files: CertificateFiles): WebTrust {
  // At a time at which it is valid: this test is about the fingerprint alone.
  const found = [Date.now(), Date.now() - 1.5 * 86_400_000].map((now) => inspectCertificate(files, now));
  const good = found.find((one) => 'facts' in one);
  assert.ok(good !== undefined && 'facts' in good);
  return { kind: 'tls', fingerprint: good.facts.fingerprint, host: null };
}

function ask(side: Side, ...trust: readonly WebTrust[]): Promise<unknown> {
  side.seen.length = 0;
  return createApiClient({ baseUrl: side.url, token: 'secret', trust, timeoutMs: 5_000 }).health();
}

describe('the transport', () => {
  it('speaks to the one certificate that it knows, even past its day', async () => {
    await ask(ours, ours.trust);
    assert.deepEqual(ours.seen, ['Bearer secret']);
    await ask(expired, expired.trust);
  });

  it('sends nothing to anybody else', async () => {
    await assert.rejects(ask(stranger, ours.trust), withCode('CERTIFICATE_MISMATCH'));
    await assert.rejects(ask(stranger, ours.trust, plain), withCode('CERTIFICATE_MISMATCH'));
    await assert.rejects(ask(stranger, ours.trust, expired.trust), withCode('CERTIFICATE_MISMATCH'));
    assert.deepEqual(stranger.seen, []);
  });

  it('never falls back to plain HTTP by itself', async () => {
    await assert.rejects(ask(open, ours.trust), withCode('CLUSTER_UNREACHABLE'));
    assert.deepEqual(open.seen, []);
  });

  it('takes a certificate under a name only from an authority of this system', async () => {
    await assert.rejects(
      ask(stranger, { kind: 'tls', fingerprint: fingerprintOf(ours), host: 'localhost' }),
      withCode('CERTIFICATE_MISMATCH'),
    );
    await ask(ours, { kind: 'tls', fingerprint: fingerprintOf(ours), host: 'any.example' });
  });

  it('follows a change of the way, in both directions and of the certificate', async () => {
    await ask(open, ours.trust, plain);
    await ask(ours, ours.trust, plain);
    await ask(open, plain, ours.trust);
    await ask(ours, plain, ours.trust);
    await ask(ours, expired.trust, ours.trust);
    assert.deepEqual(ours.seen, ['Bearer secret']);
  });

  it('says when nobody listens', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await new Promise((resolve) => server.close(resolve));
    const gone = { url, seen: [], trust: plain };
    for (const trust of [[ours.trust], [ours.trust, plain], [plain]]) {
      await assert.rejects(ask(gone, ...trust), withCode('CLUSTER_UNREACHABLE'));
    }
  });
});

function fingerprintOf({ trust }: Side): string {
  assert.ok(trust.kind === 'tls');
  return trust.fingerprint;
}
