import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { copyTree, hashTree, listTree } from './file-tree.ts';
import { listProjectCode, refuseLargeTree } from './project-code.ts';
import { readRequirements } from './requirements.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sparkplug-code-'));
});
after(() => rm(folder, { recursive: true, force: true }));

async function makeProject(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const project = join(folder, name);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(project, path)), { recursive: true });
    await writeFile(join(project, path), text);
  }
  return project;
}

test('code is what is not ignored, and what a job names in any case', async () => {
  const project = await makeProject('ignored', {
    '.sparkplugignore': 'target/\n*.csv\n',
    '.git/HEAD': 'x',
    'sparkplug.yaml': 'x',
    'src/job.py': 'x',
    'data.csv': 'x',
    'target/app.jar': 'x',
    'target/other.jar': 'x',
  });
  const { files } = await listProjectCode(project, ['./target/app.jar', 'src/job.py']);
  assert.deepEqual(
    files.map(({ path }) => path),
    ['src/job.py', 'target/app.jar'],
  );
});

test('the hash is of paths, contents and the executable bit, not of times', async () => {
  const project = await makeProject('hashed', { 'a.py': 'one', 'b/c.py': 'two' });
  const hash = async () => hashTree(await listTree(project));
  const first = await hash();
  await utimes(join(project, 'a.py'), 1, 1);
  assert.equal(await hash(), first);
  await chmod(join(project, 'a.py'), 0o755);
  const executable = await hash();
  assert.notEqual(executable, first);
  await writeFile(join(project, 'a.py'), 'three');
  assert.notEqual(await hash(), executable);
});

test('a copy can be read by everyone and keeps links', async () => {
  const project = await makeProject('copied', { 'a/b.py': 'x' });
  await chmod(join(project, 'a/b.py'), 0o600);
  await symlink('b.py', join(project, 'a/link.py'));
  const target = join(folder, 'copy');
  await copyTree(await listTree(project), target);
  assert.equal((await stat(join(target, 'a/b.py'))).mode & 0o777, 0o644);
  assert.equal(await hashTree(await listTree(target)), await hashTree(await listTree(project)));
});

test('a folder full of data is refused, naming the largest parts', () => {
  const file = (path: string, sizeMiB: number) => ({
    path,
    sizeBytes: sizeMiB * 1024 * 1024,
    executable: false,
    link: null,
  });
  const files = [file('data/a.bin', 400), file('data/b.bin', 200), file('job.py', 1)];
  assert.throws(() => refuseLargeTree({ folder: '/p', files }), { code: 'CODE_TOO_LARGE', met: /data\/ \(600 MiB\)/ });
  refuseLargeTree({ folder: '/p', files: files.slice(2) });
});

test('included requirements stand where they are named', async () => {
  const project = await makeProject('included', {
    'requirements.txt': 'a==1\n-r more/base.txt\nc',
    'more/base.txt': 'b',
  });
  assert.equal(await readRequirements(project, 'requirements.txt'), 'a==1\nb\nc');
});

test('requirements that include each other end', async () => {
  const project = await makeProject('circular', {
    'requirements.txt': '-r other.txt\na',
    'other.txt': '-r requirements.txt\nb',
  });
  assert.equal(await readRequirements(project, 'requirements.txt'), '\nb\na');
});

test('requirements cannot name paths, and a missing file is named', async () => {
  const project = await makeProject('paths', { 'requirements.txt': 'a\n./wheels/b.whl', 'other.txt': '-e .' });
  await assert.rejects(readRequirements(project, 'requirements.txt'), {
    code: 'REQUIREMENT_FAILED',
    met: './wheels/b.whl',
  });
  await assert.rejects(readRequirements(project, 'other.txt'), { code: 'REQUIREMENT_FAILED', met: '-e .' });
  await assert.rejects(readRequirements(project, 'none.txt'), { code: 'REQUIREMENT_FAILED', met: 'none.txt' });
});
