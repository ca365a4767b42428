import { resolve } from 'node:path';
import type { Command } from 'commander';
import { SparkPlugError } from '../../errors.ts';
import { type AddedMachine, addMachines, summarizeFailures } from '../../operations/machines/add-machines.ts';
import { drainMachine, listMachines, returnMachine } from '../../operations/machines/change-machines.ts';
import type { Gathered } from '../../operations/machines/machine-provider.ts';
import { makeJoinCommand } from '../../operations/machines/prepare-join.ts';
import { refuseRented } from '../../operations/machines/refuse-rented.ts';
import { type Removal, type RemovedMachine, removeMachines } from '../../operations/machines/remove-machines.ts';
import { renderLeaveCommand } from '../../operations/machines/render-leave-script.ts';
import { openSshProvider } from '../../operations/machines/ssh-provider.ts';
import { errorAsJson } from '../exit-codes.ts';
import { parsePort } from '../parse-number.ts';
import { projectChoice } from '../project-choice.ts';
import { renderMachines } from '../render-machines.ts';
import type { Shell } from '../shell.ts';
import { type Act, withExamples } from '../verb.ts';

interface AddOptions {
  readonly port?: number;
  readonly identity?: string;
  readonly hostKey: readonly string[];
  readonly advertise?: string;
}

interface ChangeOptions {
  readonly now: boolean;
  readonly force: boolean;
}

export function addMachine(program: Command, act: Act): void {
  const machine = program
    .command('machine')
    .description('the physical machines: list, add, join-command, drain, return, remove');
  withExamples(
    machine,
    'sparkplug machine',
    'sparkplug machine add root@10.0.0.7',
    'sparkplug machine drain follower-2',
  );

  const list = machine
    .command('list', { isDefault: true })
    .description('machines with their cores, memory and containers, and why no more workers stand there');
  withExamples(list, 'sparkplug machine').action(
    act(async ({ shell }) => {
      const machines = await listMachines(projectChoice(shell), shell.signal);
      if (shell.json) shell.printJson({ machines });
      else shell.print(renderMachines(machines));
      return 0;
    }),
  );

  const add = machine
    .command('add')
    .description('install Docker on machines where it is missing, join them, and use them')
    .argument('<user@host...>', 'as ssh takes them; root, or a user with sudo without a password')
    .option('--port <number>', 'their SSH port', parsePort)
    .option('--identity <file>', 'the private key to log in with')
    .option('--host-key <fingerprint>', 'trust this host key (SHA256:…) from now on (repeatable)', collect, [])
    .option('--advertise <address>', 'the address of the conductor’s machine as the others reach it');
  withExamples(
    add,
    'sparkplug machine add root@10.0.0.7',
    'sparkplug machine add root@10.0.0.7 root@10.0.0.8',
    'sparkplug machine add admin@box --host-key SHA256:…',
  ).action(
    act<AddOptions>(async ({ shell, options, args }) => {
      const destinations = args.flat().filter((text) => text !== undefined);
      const { report, signal } = shell;
      const { port = null, identity, hostKey: hostKeys, advertise = null } = options;
      const choice = projectChoice(shell);
      const identityFile = identity === undefined ? null : resolve(identity);
      const wanted = [...new Set(destinations)].map((destination) => ({ destination, port, identityFile }));
      const provider = await openSshProvider(choice, { hostKeys, report, signal });
      return tellAdded(shell, await addMachines(choice, provider, wanted, { advertise, report, signal }));
    }),
  );

  const joinCommand = machine
    .command('join-command')
    .description('one line for the shell of a machine: it joins, and the cluster uses it. Holds secrets')
    .option('--advertise <address>', 'the address of the conductor’s machine as the others reach it');
  withExamples(joinCommand, 'sparkplug machine join-command --advertise 10.0.0.5').action(
    act<Pick<AddOptions, 'advertise'>>(async ({ shell, options }) => {
      const { report, signal } = shell;
      const { advertise = null } = options;
      const command = await makeJoinCommand(projectChoice(shell), { advertise, report, signal });
      if (shell.json) shell.printJson({ command });
      else shell.print(command);
      return 0;
    }),
  );

  const drain = machine
    .command('drain')
    .description('take all of the project off a machine: executors decommissioned, blocks replicated elsewhere')
    .argument('<machine>', 'its name')
    .option('--now', 'do not wait for running jobs where a restart is needed', false)
    .option('--force', 'go on even where blocks are lost', false);
  withExamples(drain, 'sparkplug machine drain follower-2').action(
    act<ChangeOptions>(async ({ shell, options, args: [name = ''] }) => {
      const { report, signal } = shell;
      const changed = await drainMachine(projectChoice(shell), name, { ...options, report, signal });
      if (shell.json) shell.printJson({ machine: name, changed });
      else shell.print(changed ? `${name} is drained` : `no change: ${name} was drained already`);
      return 0;
    }),
  );

  const back = machine
    .command('return')
    .description('let a drained machine take containers again')
    .argument('<machine>', 'its name');
  withExamples(back, 'sparkplug machine return follower-2').action(
    act(async ({ shell, args: [name = ''] }) => {
      const { report, signal } = shell;
      const change = { now: false, force: false, report, signal };
      const changed = await returnMachine(projectChoice(shell), name, change);
      if (shell.json) shell.printJson({ machine: name, changed });
      else shell.print(changed ? `${name} takes containers again` : `no change: ${name} was not drained`);
      return 0;
    }),
  );

  const remove = machine
    .command('remove')
    .description('drain machines, take them out of the Swarm, and have them forget it where SSH leads there')
    .argument('<machine...>', 'their names')
    .option('--now', 'do not wait for running jobs where a restart is needed', false)
    .option('--force', 'go on even where blocks are lost', false);
  withExamples(remove, 'sparkplug machine remove follower-2').action(
    act<ChangeOptions>(async ({ shell, options, args }) => {
      const names = args.flat().filter((text) => text !== undefined);
      const { report, signal } = shell;
      const choice = projectChoice(shell);
      const provider = await openSshProvider(choice, { hostKeys: [], report, signal });
      await refuseRented(choice, await provider.list(), names, signal);
      const them = names.length === 1 ? 'it' : 'them';
      if (!(await shell.confirm(`Drain ${names.join(', ')} and take ${them} out of the Swarm?`))) {
        throw new SparkPlugError('USAGE', 'nothing was removed', { hint: 'answer y, or give --yes' });
      }
      tellRemoved(shell, await removeMachines(choice, provider, names, { ...options, report, signal }));
      return 0;
    }),
  );
}

/** What was added; then what was not, which fails the command. */
function tellAdded(shell: Shell, added: Gathered<AddedMachine>): number {
  const { machines, failures } = added;
  const failure = summarizeFailures(added, 'added');
  if (shell.json && machines.length > 0) {
    const told = failures.map(({ key, error }) => ({ key, ...errorAsJson(error) }));
    shell.printJson({ machines, failures: told });
    return failure === null ? 0 : failure.exitCode;
  }
  for (const { name, containers, explanation } of machines) {
    shell.print(`${name} is in use: ${containers.join(', ')}\n${explanation}`);
  }
  if (failure !== null) throw failure;
  return 0;
}

function tellRemoved(shell: Shell, { machines, registry }: Removal): void {
  const command = renderLeaveCommand(registry);
  if (shell.json) {
    const removed = machines.map(({ name, back, failure }) => {
      const reason = failure === null ? {} : { failure: errorAsJson(failure.error) };
      return { machine: name, removed: true, back, ...reason, ...(back === 'given-back' ? {} : { command }) };
    });
    shell.printJson({ machines: removed });
    return;
  }
  for (const machine of machines) shell.print(describeRemoved(machine, command));
}

function describeRemoved({ name, back, failure }: RemovedMachine, command: string): string {
  if (back === 'given-back') return `${name} was removed, has left the Swarm and forgotten the registry`;
  if (back === 'unknown') return `${name} was removed; it was not added over SSH from here: run on it\n  ${command}`;
  const again = `once it can be reached: sparkplug machine remove ${name}, or on it\n  ${command}`;
  return `${name} was removed, but does not know it: ${failure?.error.message ?? ''}\n${again}`;
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}
