import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { createProjectId, isProjectId, readProjectState, writeProjectState } from './project-state.ts';

const root = await mkdtemp(path.join(tmpdir(), 'sparkplug-project-state-'));
after(() => rm(root, { recursive: true, force: true }));

test('an id is the name and six random characters', () => {
  const ids = new Set(Array.from({ length: 200 }, () => createProjectId('geo-predict')));
  assert.equal(ids.size, 200);
  for (const id of ids) assert.match(id, /^geo-predict-[0-9a-z]{6}$/);
  assert.ok([...ids].every(isProjectId));
  assert.ok(!isProjectId('../x-abcdef') && !isProjectId('app'));
});

test('what is written is read again, and Git ignores it', async () => {
  const dir = await mkdtemp(path.join(root, 'p-'));
  assert.equal(await readProjectState(dir), null);
  const workerShape = { executors: 1, cores: 2, memoryMiB: 4096 };
  const fingerprint = Array.from({ length: 32 }, () => 'A7').join(':');
  const webTrust = [{ kind: 'tls' as const, fingerprint, host: null }, { kind: 'plain' as const }];
  const state = {
    id: 'app-abc123',
    webPort: 8080,
    registryPort: 5001,
    webTrust,
    context: null,
    aws: { account: '123456789012', region: 'eu-central-1', identityFile: null },
    datanodes: [],
    workerShape,
  };
  await writeProjectState(dir, { ...state, webPort: null });
  await writeProjectState(dir, state);
  assert.deepEqual(await readProjectState(dir), state);
  assert.deepEqual((await readdir(path.join(dir, '.sparkplug'))).sort(), ['.gitignore', 'project.json']);
  assert.equal(await readFile(path.join(dir, '.sparkplug', '.gitignore'), 'utf8'), '*\n');
});

test('a damaged file is an error with a fix, not a new project', async () => {
  for (const content of ['', '{', '[]', '{"id":"../../etc-aaaaaa"}', '{"id":"app-abc123","webPort":"x"}']) {
    const dir = await mkdtemp(path.join(root, 'p-'));
    await writeProjectState(dir, {
      id: 'app-abc123',
      webPort: null,
      registryPort: null,
      context: null,
      datanodes: [],
      workerShape: null,
    });
    await writeFile(path.join(dir, '.sparkplug', 'project.json'), content);
    await assert.rejects(readProjectState(dir), { code: 'PROJECT_STATE_DAMAGED', hint: /sparkplug\.project/ }, content);
  }
});

test('a file with the id alone is enough', async () => {
  const dir = await mkdtemp(path.join(root, 'p-'));
  await writeProjectState(dir, { id: 'app-abc123', webPort: 1, context: 'x', workerShape: null });
  await writeFile(path.join(dir, '.sparkplug', 'project.json'), '{"id": "app-abc123"}');
  assert.deepEqual(await readProjectState(dir), {
    id: 'app-abc123',
    webPort: null,
    registryPort: null,
    webTrust: [{ kind: 'plain' }],
    context: null,
    aws: null,
    datanodes: [],
    workerShape: null,
  });
});
