// `up` interrupted at each of its steps and run again: it finishes, and there is one cluster, whole.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { awaitServices, servicesOfOneWorker } from './support/docker.ts';
import { makeProject, mustRun, mustRunJson, startSparkplug } from './support/sparkplug.ts';

let folder: string;
before(async () => {
  folder = await makeProject({
    'sparkplug.yaml':
      'name: e2e-interrupted\njobs:\n  one: { main: job.py }\nspark:\n  workers: 1\n  worker: { executors: 1, cores: 1, memory: 1GiB }\n',
    'job.py': 'print("one")\n',
  });
});
after(async () => {
  await mustRun(folder, ['down', '--volumes', '--yes']);
});

/** Starts `up`, ends it without warning as soon as it has begun its n-th step; tells whether it got that far. */
async function upInterruptedAt(stepNumber: number): Promise<boolean> {
  const up = startSparkplug(folder, ['up', '-o', 'json']);
  let begun = 0;
  for await (const line of up.iterable({ from: 'stderr' })) {
    if (/^(→|▸|… |start)/.test(String(line))) begun += 1;
    if (begun === stepNumber) {
      up.kill('SIGKILL');
      break;
    }
  }
  await up;
  return begun === stepNumber;
}

describe('up', () => {
  it('interrupted at every step and run again makes one whole cluster', async () => {
    let interrupted = 0;
    for (let step = 1; await upInterruptedAt(step); step += 1) interrupted = step;
    assert.ok(interrupted >= 3, `interrupted at ${interrupted} steps only`);
    const up = (await mustRunJson(folder, ['up'])) as { projectId: string };
    await awaitServices(up.projectId, servicesOfOneWorker);
    assert.match((await mustRun(folder, ['run', 'one'])).all, /^one$/m);
  });

  it('interrupted politely ends with 130 and says how to go on', async () => {
    await mustRun(folder, ['down', '--yes']);
    const up = startSparkplug(folder, ['up']);
    for await (const _ of up.iterable({ from: 'stderr' })) {
      up.kill('SIGINT');
      break;
    }
    assert.equal((await up).exitCode, 130);
    await mustRun(folder, ['up']);
  });
});
