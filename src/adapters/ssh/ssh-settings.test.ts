import assert from 'node:assert/strict';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { includeSettings, removeHostSettings, writeHostSettings } from './ssh-settings.ts';

const host = {
  id: 'app-abc123',
  address: '198.51.100.7',
  user: 'admin',
  alias: 'sparkplug-app-abc123',
  knownHosts: '/home/me/.config/sparkplug/known_hosts',
  identityFile: '/home/me/.config/sparkplug/keys/app-abc123',
};

test('OpenSSH itself reads what is written, before what the user has for all hosts', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sparkplug-ssh-'));
  const [config, file] = [join(folder, 'config'), join(folder, 'sparkplug', 'ssh_config')];
  await writeFile(config, 'Host *\n  User somebody\n');
  await writeHostSettings(file, host);
  assert.equal(await includeSettings(config, file), true);
  assert.equal(await includeSettings(config, file), false);
  const { stdout } = await execa('ssh', ['-G', '-F', config, host.address]);
  const read = new Map(stdout.split('\n').map((line) => [line.split(' ')[0], line.slice(line.indexOf(' ') + 1)]));
  assert.equal(read.get('user'), 'admin');
  assert.equal(read.get('hostkeyalias'), host.alias);
  assert.equal(read.get('identityfile'), host.identityFile);
  assert.equal(read.get('stricthostkeychecking'), 'true');
  const other = await execa('ssh', ['-G', '-F', config, '203.0.113.9']);
  assert.match(other.stdout, /^user somebody$/m);
});

test('another address takes the place of the one before; other projects stay', async () => {
  const file = join(await mkdtemp(join(tmpdir(), 'sparkplug-ssh-')), 'ssh_config');
  await writeHostSettings(file, host);
  await writeHostSettings(file, { ...host, id: 'other-abc123', address: '198.51.100.8' });
  await writeHostSettings(file, { ...host, address: '198.51.100.9' });
  const hosts = (text: string) => text.match(/^Host .*$/gm);
  assert.deepEqual(hosts(await readFile(file, 'utf8')), ['Host 198.51.100.8', 'Host 198.51.100.9']);
  await removeHostSettings(file, host.id);
  assert.deepEqual(hosts(await readFile(file, 'utf8')), ['Host 198.51.100.8']);
  await removeHostSettings(file, 'other-abc123');
  assert.equal(await readFile(file, 'utf8'), '');
});
