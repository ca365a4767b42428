import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { FastifyInstance } from 'fastify';
import { SparkPlugError } from '../errors.ts';
import { registerDashboardRoutes } from './dashboard-routes.ts';
import { createApp } from './web-app.ts';

let folder: string;
let app: FastifyInstance;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sparkplug-dashboard-'));
  await mkdir(join(folder, 'site', 'assets'), { recursive: true });
  await writeFile(join(folder, 'secret.txt'), 'secret');
  await writeFile(join(folder, 'site', 'index.html'), '<title>SparkPlug</title>');
  await writeFile(join(folder, 'site', 'favicon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  const script = join(folder, 'site', 'assets', 'index-abc123.js');
  await writeFile(script, 'export {};');
  await writeFile(`${script}.gz`, gzipSync('export {};'));
  app = createApp({
    admit: ({ routeOptions }) => {
      if (routeOptions.config.open !== true) throw new SparkPlugError('AUTH_REQUIRED', 'no token');
    },
    log: () => undefined,
  });
  await registerDashboardRoutes(app, join(folder, 'site'));
});

after(async () => {
  await app.close();
  await rm(folder, { recursive: true, force: true });
});

describe('the dashboard', () => {
  it('is one page at every address of its own, without a log-in', async () => {
    for (const url of ['/', '/login', '/runs', '/runs/r-1', '/results/people?sort=-id', '/files/a/b%20c', '/events']) {
      const answer = await app.inject({ url });
      assert.equal(answer.statusCode, 200, url);
      assert.match(answer.headers['content-type'] as string, /^text\/html/);
      assert.equal(answer.headers['cache-control'], 'no-cache');
      assert.match(answer.headers['content-security-policy'] as string, /script-src 'self';.*frame-ancestors 'none'/);
      assert.match(answer.body, /SparkPlug/);
    }
  });

  it('has files that may be kept for ever, since their names change with them', async () => {
    const answer = await app.inject({ url: '/assets/index-abc123.js' });
    assert.equal(answer.statusCode, 200);
    assert.match(answer.headers['content-type'] as string, /javascript/);
    assert.equal(answer.headers['cache-control'], 'public, max-age=31536000, immutable');
    assert.equal(answer.headers['content-encoding'], undefined);
    const headers = { 'accept-encoding': 'gzip' };
    const compressed = await app.inject({ url: '/assets/index-abc123.js', headers });
    assert.equal(compressed.headers['content-encoding'], 'gzip');
    assert.match(compressed.headers['content-type'] as string, /javascript/);
    assert.equal(gunzipSync(compressed.rawPayload).toString(), 'export {};');
    const icon = await app.inject({ url: '/favicon.svg' });
    assert.match(icon.headers['content-type'] as string, /svg/);
  });

  it('gives nothing outside its folder, no list of files, and no page for what is no address of its own', async () => {
    const outside = ['/assets/../../secret.txt', '/assets/%2e%2e/%2e%2e/secret.txt', '/assets/..%2f..%2fsecret.txt'];
    for (const url of [...outside, '/assets/', '/assets/missing.js', '/assets/%00', '/secret.txt', '/runs.html']) {
      const answer = await app.inject({ url });
      assert.ok(answer.statusCode >= 400 && answer.statusCode < 500, `${url}: ${answer.statusCode}`);
      assert.doesNotMatch(answer.body, /secret$|<title>/, url);
      assert.notEqual(answer.headers['cache-control'], 'public, max-age=31536000, immutable', url);
    }
  });
});
