import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createScreen } from './screen.ts';

function capture(isTTY: boolean) {
  let text = '';
  const output = {
    isTTY,
    columns: 60,
    write: (part: string) => {
      text += part;
    },
  };
  return { output, read: () => text };
}

test('elsewhere than on a terminal every step is two plain lines with its duration', () => {
  const { output, read } = capture(false);
  const screen = createScreen(output);
  screen.report({ kind: 'step-started', step: 'build image worker', cause: 'requirements.txt changed' });
  screen.report({ kind: 'step-progress', step: 'build image worker', detail: 'too soon to be worth a line' });
  screen.report({ kind: 'step-done', step: 'build image worker', durationMs: 1234 });
  screen.report({ kind: 'warning', text: 'only one copy of every block' });
  screen.close();
  const plain = read().replaceAll(new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g'), '');
  assert.equal(
    plain,
    '… build image worker (requirements.txt changed)\n✔ build image worker (1.2 s)\nwarning: only one copy of every block\n',
  );
});

test('a bar elsewhere than on a terminal is one line now and then', () => {
  const { output, read } = capture(false);
  const screen = createScreen(output);
  screen.bar({ done: 1, total: 10, text: 'stage 1/4' });
  screen.bar({ done: 2, total: 10, text: 'stage 2/4' });
  screen.bar(null);
  assert.equal(read(), '… stage 1/4\n');
});

test('on a terminal live lines are cleared before other text and never wider than it', () => {
  const { output, read } = capture(true);
  const screen = createScreen(output);
  screen.report({ kind: 'step-started', step: 'x'.repeat(200) });
  screen.line('said aside');
  screen.bar({ done: 3, total: 4, text: 'stage 1/2' });
  screen.close();
  const lines = read().split('\n');
  assert.ok(lines.some((line) => line.endsWith('said aside')));
  assert.ok(lines.every((line) => line.length <= 70));
  const up = `${String.fromCharCode(27)}[2F`;
  assert.ok(read().includes(up), 'both live lines are taken away');
});
