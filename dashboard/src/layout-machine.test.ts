import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ContainerView, MachineView } from './api-types.ts';
import { chooseScale, layoutMachine, type Rect, squarify } from './layout-machine.ts';

const scale = { pxPerCore: 50, pxPerMiB: 0.02 };

function container(service: string, cores: number, memoryMiB: number): ContainerView {
  return { service, component: service, cores, memoryMiB, state: 'ready', coresUsed: null, memoryUsedMiB: null };
}

function machine(cores: number, memoryMiB: number, containers: ContainerView[], reservedMiB = 0): MachineView {
  return {
    id: 'm',
    name: 'm',
    conductor: false,
    reachable: true,
    state: 'ready',
    explanation: '',
    cores,
    memoryMiB,
    reservedMiB,
    containers,
  };
}

const area = ({ width, height }: Rect) => width * height;

test('workers rise like stairs from the bottom, one above the other', () => {
  const layout = layoutMachine(machine(4, 8192, [container('a', 2, 2048), container('b', 2, 2048)], 1024), scale);
  const [first, second] = layout.boxes;
  assert.ok(first?.cores && second?.cores);
  assert.deepEqual([first.cores.x, first.cores.width], [0, 100]);
  assert.deepEqual([second.cores.x, second.cores.width], [100, 100]);
  assert.equal(layout.reserved.y + layout.reserved.height, layout.height);
  assert.equal(first.rect.y + first.rect.height, layout.reserved.y);
  assert.equal(second.rect.y + second.rect.height, first.rect.y);
  assert.equal(layout.free.height, second.rect.y);
  assert.equal(layout.coresTaken, 4);
});

test('areas of containers have the ratio of their memory, whatever kind they are', () => {
  const containers = [container('w', 2, 2048), container('x', 0, 512), container('y', 0, 256), container('z', 0, 128)];
  const layout = layoutMachine(machine(4, 8192, containers), scale);
  const areas = new Map(layout.boxes.map((box) => [box.container.service, area(box.rect)]));
  const unit = (areas.get('z') ?? 0) / 128;
  for (const { service, memoryMiB } of containers) {
    assert.ok(Math.abs((areas.get(service) ?? 0) / unit - memoryMiB) < 1e-6, service);
  }
});

test('what promises more than there is stays inside the frame', () => {
  const layout = layoutMachine(machine(2, 4096, [container('a', 2, 4096), container('b', 2, 4096)], 1024), scale);
  for (const { rect, cores } of layout.boxes) {
    assert.ok(rect.y >= -1e-9 && rect.y + rect.height <= layout.height + 1e-9);
    assert.ok(cores !== null && cores.x + cores.width <= layout.width);
  }
  assert.ok(layout.free.height < 1e-9);
});

test('an empty machine is all free', () => {
  const layout = layoutMachine(machine(4, 8192, []), scale);
  assert.deepEqual([layout.boxes.length, layout.free.height], [0, layout.height]);
});

test('a treemap fills its frame, in the ratio of its values', () => {
  const frame = { x: 10, y: 20, width: 300, height: 120 };
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 10_000 }), { minLength: 1, maxLength: 12 }), (values) => {
      const sorted = [...values].sort((a, b) => b - a);
      const cells = squarify(sorted, frame);
      const total = sorted.reduce((sum, value) => sum + value, 0);
      for (const [index, cell] of cells.entries()) {
        assert.ok(cell.x >= 10 - 1e-6 && cell.x + cell.width <= 310 + 1e-6);
        assert.ok(cell.y >= 20 - 1e-6 && cell.y + cell.height <= 140 + 1e-6);
        assert.ok(Math.abs(area(cell) / area(frame) - (sorted[index] ?? 0) / total) < 1e-9);
      }
    }),
  );
});

test('one scale for all, and no machine wider than the room', () => {
  const machines = [machine(2, 4096, []), machine(64, 262_144, [])];
  const narrow = chooseScale(machines, { width: 320, gap: 16 });
  assert.equal(narrow.pxPerCore * 64, 320);
  assert.ok(narrow.pxPerMiB * 262_144 <= 560);
  const wide = chooseScale([machine(4, 8192, []), machine(8, 16_384, [])], { width: 1216, gap: 16 });
  assert.equal(wide.pxPerCore, 100);
});
