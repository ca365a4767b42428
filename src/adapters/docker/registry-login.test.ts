import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { withRegistryLogin } from './registry-login.ts';

const login = { address: '10.0.0.5:5000', user: 'sparkplug', password: 'pässword' };
const configured = process.env.DOCKER_CONFIG;
let own: string;

before(async () => {
  own = await mkdtemp(join(tmpdir(), 'sparkplug-docker-config-'));
  await mkdir(join(own, 'contexts'));
  await writeFile(join(own, 'contexts', 'lab'), 'a context');
  await writeFile(
    join(own, 'config.json'),
    '{"currentContext":"lab","credsStore":"desktop","auths":{"x":{"auth":"eA=="}}}',
  );
  process.env.DOCKER_CONFIG = own;
});
after(async () => {
  if (configured === undefined) delete process.env.DOCKER_CONFIG;
  else process.env.DOCKER_CONFIG = configured;
  await rm(own, { recursive: true, force: true });
});

test('a folder with this one log-in and the user’s contexts, closed to others, gone afterwards', async () => {
  const folder = await withRegistryLogin(login, async (dockerConfig) => {
    const file = join(dockerConfig, 'config.json');
    assert.equal((await stat(dockerConfig)).mode & 0o077, 0);
    assert.equal((await stat(file)).mode & 0o077, 0);
    // A credential store would be asked instead of the log-in.
    const auth = Buffer.from('sparkplug:pässword').toString('base64');
    assert.deepEqual(JSON.parse(await readFile(file, 'utf8')), {
      auths: { '10.0.0.5:5000': { auth } },
      currentContext: 'lab',
    });
    assert.equal(await readFile(join(dockerConfig, 'contexts', 'lab'), 'utf8'), 'a context');
    return dockerConfig;
  });
  assert.ok(!existsSync(folder));
  assert.ok(existsSync(join(own, 'contexts', 'lab')));
});

test('it goes where the call fails, too', async () => {
  let folder = '';
  const failing = withRegistryLogin(login, async (dockerConfig) => {
    folder = dockerConfig;
    throw new Error('refused');
  });
  await assert.rejects(failing, /refused/);
  assert.ok(folder !== '' && !existsSync(folder));
});
