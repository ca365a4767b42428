import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { createContainerShell, type ShellOptions } from './machine-shell.ts';

/** A container that is this computer's own shell; notes its command lines. */
function shellHere() {
  const commands: (readonly string[])[] = [];
  const shell = createContainerShell(
    {
      exec: async (_id, command, { input } = {}) => {
        commands.push(command);
        const [program = '', ...args] = command;
        const { status, stdout, stderr } = spawnSync(program, args, { input: input ?? '', encoding: 'utf8' });
        return { exitCode: status ?? 1, stdout, stderr };
      },
    },
    'machine',
  );
  return { commands, run: (script: string, options?: ShellOptions) => shell.run(script, options) };
}

test('a script is in no command line, and no command of it swallows the rest', async () => {
  const { commands, run } = shellHere();
  const { stdout, exitCode } = await run("echo one\ncat\necho 'hunter2' | wc -c\nexit 7");
  assert.equal(stdout, 'one\n8\n');
  assert.equal(exitCode, 7);
  assert.ok(!commands.flat().join(' ').includes('hunter2'));
});

test('input reaches the script', async () => {
  assert.equal((await shellHere().run('cat', { input: 'text\n' })).stdout, 'text\n');
});
