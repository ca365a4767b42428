// A first `up` interrupted at each of its steps and run again: it finishes, and there is one cluster, whole.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { awaitServices, servicesOfOneWorker } from './support/docker.ts';
import { makeProject, mustRun, startSparkplug } from './support/sparkplug.ts';

let folder: string;
before(async () => {
  folder = await makeProject({
    'sparkplug.yaml':
      'name: e2e-interrupted\njobs:\n  one: { main: job.py }\nspark:\n  workers: 1\n  worker: { executors: 1, cores: 1, memory: 1GiB }\n',
    'job.py': 'print("one")\n',
  });
});
after(async () => {
  await removeAll();
});

async function removeAll(): Promise<void> {
  await mustRun(folder, ['down', '--volumes', '--now', '--yes']);
}

/** What a step's beginning looks like elsewhere than on a terminal; its progress has a colon more. */
const beginning = /^… (?<step>[^:]+)$/;

interface Interruption {
  readonly exitCode: number | undefined;
  readonly stderr: string;
  /** The step that was interrupted. */
  readonly step: string;
}

/** Starts `up` and sends the signal as soon as it has begun its n-th step. */
async function interruptUp(stepNumber: number, signal: NodeJS.Signals): Promise<Interruption> {
  const up = startSparkplug(folder, ['up']);
  const begun: string[] = [];
  for await (const line of up.iterable({ from: 'stderr' })) {
    const { step } = beginning.exec(String(line))?.groups ?? {};
    if (step === undefined) continue;
    begun.push(step);
    // What it says of that is read to its end: it would fail on a closed pipe.
    if (begun.length === stepNumber) up.kill(signal);
  }
  const { exitCode, stderr } = await up;
  const step = begun[stepNumber - 1];
  assert.ok(step, `there were only these steps: ${begun.join(', ')}`);
  return { exitCode, stderr, step };
}

/** Runs `up` to its end, from wherever it is; returns the steps that were left. */
async function finishUp(): Promise<readonly string[]> {
  const up = await mustRun(folder, ['up', '-o', 'json']);
  const { projectId } = JSON.parse(up.stdout) as { projectId: string };
  await awaitServices(projectId, servicesOfOneWorker);
  return up.stderr.split('\n').flatMap((line) => beginning.exec(line)?.groups?.step ?? []);
}

describe('a first up', () => {
  let stepCount: number;

  it('interrupted politely at its first step ends with 130, says how to go on, and that is true', async () => {
    const { exitCode, stderr, step } = await interruptUp(1, 'SIGINT');
    assert.equal(exitCode, 130);
    assert.match(stderr, /^interrupted: .*; run the same command again for the rest$/m);
    const left = await finishUp();
    // What Docker had begun it may have finished by itself.
    stepCount = left.includes(step) ? left.length : left.length + 1;
    assert.ok(stepCount >= 4, left.join(', '));
  });

  it('killed at any further step and run again makes one whole cluster', async () => {
    for (let stepNumber = 2; stepNumber <= stepCount; stepNumber += 1) {
      await removeAll();
      await interruptUp(stepNumber, 'SIGKILL');
      await finishUp();
    }
    assert.match((await mustRun(folder, ['run', 'one'])).all, /^one$/m);
  });
});
