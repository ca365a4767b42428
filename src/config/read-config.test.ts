import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { SparkPlugError } from '../errors.ts';
import { findProject } from './find-project.ts';
import { readConfig } from './read-config.ts';

const root = await mkdtemp(path.join(tmpdir(), 'sparkplug-read-config-'));
after(() => rm(root, { recursive: true, force: true }));

/** A new folder with these files. */
async function makeProject(files: Readonly<Record<string, string | Buffer>>): Promise<string> {
  const dir = await mkdtemp(path.join(root, 'project-'));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(dir, name)), { recursive: true });
    await writeFile(path.join(dir, name), content);
  }
  return dir;
}

async function catchError(work: Promise<unknown>): Promise<SparkPlugError> {
  const error: unknown = await work.then(
    () => null,
    (caught: unknown) => caught,
  );
  assert.ok(error instanceof SparkPlugError, String(error));
  return error;
}

const text = 'name: app\njobs:\n  main: { main: src/main.py }\nrequirements: requirements.txt\n';

test('a project whose files are there is read', async () => {
  const dir = await makeProject({ 'sparkplug.yaml': text, 'src/main.py': '', 'requirements.txt': '' });
  assert.equal((await readConfig(dir)).name, 'app');
  assert.equal((await readConfig(dir, { 'runs.keep': '7' })).runs.keep, 7);
});

test('missing files are reported together with the problems of the text', async () => {
  const dir = await makeProject({ 'sparkplug.yaml': `${text}web: { port: 0 }\n` });
  const error = await catchError(readConfig(dir));
  assert.deepEqual(
    error.problems.map(({ place, met, message }) => [place, met, message]),
    [
      ['sparkplug.yaml:3:17 jobs.main.main', 'src/main.py', 'There is no such file.'],
      ['sparkplug.yaml:4:15 requirements', 'requirements.txt', 'There is no such file.'],
      ['sparkplug.yaml:5:14 web.port', '0', 'This must be a whole number from 1 to 65535.'],
    ],
  );
});

test('a folder and a link out of the project are no main files', async () => {
  const jobs = 'name: app\njobs:\n  a: { main: a.py }\n  b: { main: b.py }\n';
  const dir = await makeProject({ 'sparkplug.yaml': jobs, 'a.py/x': '' });
  await writeFile(path.join(root, 'outside.py'), '');
  await symlink(path.join(root, 'outside.py'), path.join(dir, 'b.py'));
  const { problems } = await catchError(readConfig(dir));
  assert.deepEqual(
    problems.map(({ message }) => message),
    ['This is not a file.', 'This link leads out of the project folder.'],
  );
});

test('what cannot be read is told plainly', async () => {
  assert.equal((await catchError(readConfig(await makeProject({})))).code, 'PROJECT_MISSING');
  const folder = await catchError(readConfig(await makeProject({ 'sparkplug.yaml/x': '' })));
  assert.deepEqual(
    [folder.code, folder.message, folder.exitCode],
    ['CONFIG_UNREADABLE', 'sparkplug.yaml is a folder.', 2],
  );
  const binary = await catchError(readConfig(await makeProject({ 'sparkplug.yaml': Buffer.from([0x6e, 0xff, 0xfe]) })));
  assert.deepEqual([binary.code, binary.message], ['CONFIG_UNREADABLE', 'sparkplug.yaml is not UTF-8 text.']);
});

test('a file that may not be read, or that loops, is told with the system’s reason', async () => {
  const dir = await makeProject({});
  await symlink('sparkplug.yaml', path.join(dir, 'sparkplug.yaml'));
  const error = await catchError(readConfig(dir));
  assert.deepEqual([error.code, error.met], ['CONFIG_UNREADABLE', 'ELOOP']);
});

test('the project is the nearest folder above that has a file', async () => {
  const dir = await makeProject({ 'sparkplug.yaml': text, 'src/deep/x.py': '' });
  assert.equal(await findProject(path.join(dir, 'src', 'deep')), dir);
  assert.equal(await findProject(dir), dir);
});

test('no project: the fix is named', async () => {
  const nothing = await catchError(findProject(await makeProject({})));
  assert.deepEqual([nothing.code, nothing.exitCode], ['PROJECT_MISSING', 2]);
  assert.match(nothing.hint ?? '', /sparkplug new NAME/);
  const misnamed = await catchError(findProject(await makeProject({ 'sparkplug.yml': text })));
  assert.match(misnamed.hint ?? '', /Rename/);
});
