import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeHostSettings } from '../../adapters/ssh/ssh-settings.ts';
import { knownHostsFile, sshSettingsFile } from '../../config/user-folder.ts';
import { createSshGate } from './ssh-gate.ts';
import { resourceName } from './tags.ts';

test('what is known of a conductor that is gone is forgotten, also where there is no docker client', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sparkplug-gate-'));
  const { PATH, XDG_CONFIG_HOME } = process.env;
  t.after(async () => {
    Object.assign(process.env, { PATH, XDG_CONFIG_HOME });
    if (XDG_CONFIG_HOME === undefined) delete process.env.XDG_CONFIG_HOME;
    await rm(folder, { recursive: true });
  });
  Object.assign(process.env, { PATH: folder, XDG_CONFIG_HOME: folder });
  const known = { user: 'admin', alias: 'x', knownHosts: knownHostsFile(), identityFile: null };
  await writeHostSettings(sshSettingsFile(), { ...known, id: 'other', address: '203.0.113.8' });
  await writeHostSettings(sshSettingsFile(), { ...known, id: 'shop-1', address: '203.0.113.7' });
  const keyOf = (project: string) => `${resourceName(project)}.i-0 ssh-ed25519 AAAA\n`;
  await writeFile(knownHostsFile(), keyOf('other') + keyOf('shop-1'));

  await createSshGate({
    choice: { fromDir: folder, overrides: [] },
    projectId: 'shop-1',
    conductorId: '',
    identityFile: null,
    readConsole: async () => '',
    report: () => undefined,
    signal: new AbortController().signal,
  }).close();

  const settings = await readFile(sshSettingsFile(), 'utf8');
  assert.match(settings, /203\.0\.113\.8/);
  assert.doesNotMatch(settings, /203\.0\.113\.7/);
  assert.equal(await readFile(knownHostsFile(), 'utf8'), keyOf('other'));
});
