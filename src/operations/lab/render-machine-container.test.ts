import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listCpus, renderMachineContainer } from './render-machine-container.ts';
import { renderMemoryInfo } from './render-memory-info.ts';

const parts = {
  projectId: 'shop-abc123',
  machine: { name: 'follower-1', cores: 6, memoryMiB: 1536, coreScale: 4 },
  index: 1,
  network: 'shop-abc123-lab',
  address: '10.214.64.11',
  image: 'sha256:abc',
  realCores: 4,
};

function valuesOf(args: readonly string[], flag: string): readonly string[] {
  return args.flatMap((arg, index) => (arg === flag ? [args[index + 1] ?? ''] : []));
}

test('the container has hard caps, an address of its own and its engine’s data in a volume', () => {
  const args = renderMachineContainer(parts);
  assert.deepEqual(args.slice(0, 9), [
    ...['create', '--name', 'shop-abc123-lab-follower-1', '--hostname', 'follower-1'],
    ...['--network', 'shop-abc123-lab', '--ip', '10.214.64.11'],
  ]);
  assert.deepEqual(valuesOf(args, '--memory'), ['1536m']);
  assert.deepEqual(valuesOf(args, '--memory-swap'), ['1536m']);
  // 6 simulated cores of 4 to a real one: one and a half, on two.
  assert.deepEqual(valuesOf(args, '--cpus'), ['1.5']);
  assert.deepEqual(valuesOf(args, '--cpuset-cpus'), ['1,2']);
  assert.deepEqual(valuesOf(args, '--mount'), [
    'type=volume,source=shop-abc123-lab-follower-1,target=/var/lib/docker,volume-label=sparkplug.lab=shop-abc123',
  ]);
  assert.equal(args.at(-1), 'sha256:abc');
});

test('never --privileged: capabilities one by one, and none that some computers cannot give', () => {
  const args = renderMachineContainer(parts);
  assert.ok(!args.includes('--privileged'));
  assert.deepEqual(valuesOf(args, '--cap-drop'), ['ALL']);
  const added = valuesOf(args, '--cap-add');
  assert.ok(added.includes('SYS_ADMIN') && added.includes('NET_ADMIN'));
  assert.ok(!added.includes('ALL') && !added.includes('SYS_RESOURCE') && !added.includes('SYS_MODULE'));
});

test('labels tell all that `lab` has to know of it', () => {
  const found = Object.fromEntries(valuesOf(renderMachineContainer(parts), '--label').map((label) => label.split('=')));
  assert.deepEqual(found, {
    'sparkplug.lab': 'shop-abc123',
    'sparkplug.lab.machine': 'follower-1',
    'sparkplug.lab.cores': '6',
    'sparkplug.lab.memory-mib': '1536',
    'sparkplug.lab.core-scale': '4',
    'sparkplug.lab.address': '10.214.64.11',
  });
});

test('machines begin where the one before ended, and none has more cores than there are', () => {
  const cpusOf = (index: number, cores: number, coreScale: number) =>
    listCpus({ machine: { ...parts.machine, cores, coreScale }, index, realCores: 2 });
  assert.deepEqual(cpusOf(0, 1, 1), [0]);
  assert.deepEqual(cpusOf(1, 1, 1), [1]);
  assert.deepEqual(cpusOf(3, 2, 1), [0, 1]);
  assert.deepEqual(cpusOf(2, 1, 4), [0]);
  assert.deepEqual(cpusOf(0, 8, 4), [0, 1]);
});

test('the memory that a machine shows is what it has, in the form of proc(5)', () => {
  const text = renderMemoryInfo(1536);
  assert.match(text, /^MemTotal: {8}1572864 kB$/m);
  assert.match(text, /^SwapTotal: {13}0 kB$/m);
  const read = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(text)?.[1]);
  assert.ok(read('MemAvailable') < read('MemTotal') && read('MemAvailable') > 0.9 * read('MemTotal'));
});
