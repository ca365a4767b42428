import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parseOsRelease } from './debian-packages.ts';
import { measureFreeDiskMiB } from './disk.ts';
import { withFileLock } from './file-lock.ts';
import { isPortTaken } from './ports.ts';
import { findProcessName, isProcessAlive, readPidFile } from './processes.ts';
import { parseIpRoutes, parseProcRoutes } from './read-host-routes.ts';
import { runProgram } from './run-program.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sparkplug-host-'));
});
after(() => rm(folder, { recursive: true, force: true }));

test('routes of the host are its networks, not the way out', () => {
  const json = JSON.stringify([
    { dst: 'default' },
    { dst: '10.1.0.0/16' },
    { dst: '10.2.0.7' },
    { dst: '10.1.0.0/16' },
  ]);
  assert.deepEqual(parseIpRoutes(json), ['10.1.0.0/16', '10.2.0.7/32']);
  assert.deepEqual(parseIpRoutes('no json'), []);
});

test('routes are read from the kernel where there is no ip program', () => {
  const text = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
`;
  assert.deepEqual(parseProcRoutes(text), ['172.17.0.0/16']);
});

test('relatives of Debian are known by what they say of themselves', () => {
  assert.deepEqual(parseOsRelease('ID=linuxmint\nID_LIKE="ubuntu debian"\nPRETTY_NAME="Linux Mint 22"\n'), {
    id: 'linuxmint',
    debianLike: true,
    prettyName: 'Linux Mint 22',
  });
  assert.equal(parseOsRelease('ID=fedora\n').debianLike, false);
});

test('a port is taken while something listens on it', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  assert.equal(await isPortTaken(address.port), true);
  await new Promise((resolve) => server.close(resolve));
  assert.equal(await isPortTaken(address.port), false);
});

test('a lock lets one at a time in', async () => {
  const file = join(folder, 'locks', 'a');
  let inside = 0;
  let most = 0;
  const work = async () => {
    inside += 1;
    most = Math.max(most, inside);
    await new Promise((resolve) => setImmediate(resolve));
    inside -= 1;
  };
  await Promise.all([1, 2, 3].map(() => withFileLock(file, work)));
  assert.equal(most, 1);
});

test('a lock of a process that died is taken over', async () => {
  const file = join(folder, 'dead');
  // Larger than any process number of Linux.
  await writeFile(file, '4194999\n');
  assert.equal(await withFileLock(file, async () => 'done'), 'done');
});

test('a lock is given back after a failure', async () => {
  const file = join(folder, 'failing');
  await assert.rejects(withFileLock(file, () => Promise.reject(new Error('x'))));
  assert.equal(await withFileLock(file, async () => 'again'), 'again');
});

test('processes are known by number and program', async () => {
  assert.equal(isProcessAlive(process.pid), true);
  assert.equal(isProcessAlive(4194999), false);
  assert.match((await findProcessName(process.pid)) ?? '', /^node/);
  assert.equal(await findProcessName(4194999), null);
  await writeFile(join(folder, 'pid'), '17\n');
  assert.equal(await readPidFile(join(folder, 'pid')), 17);
  assert.equal(await readPidFile(join(folder, 'none')), null);
});

test('room is measured where a folder will be made, too', async () => {
  assert.ok(((await measureFreeDiskMiB(join(folder, 'not', 'yet'))) ?? 0) > 0);
});

test('a program that fails or is missing is a value', async () => {
  const failed = await runProgram('sh', ['-c', 'echo a; echo b >&2; exit 4']);
  assert.deepEqual({ ...failed }, { exitCode: 4, stdout: 'a', stderr: 'b', found: true });
  assert.equal((await runProgram('/nonexistent', [])).found, false);
  const lines: string[] = [];
  await runProgram('sh', ['-c', 'echo a; echo b'], { onLine: (line) => lines.push(line) });
  assert.deepEqual(lines, ['a', 'b']);
});
