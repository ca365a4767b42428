import type { Command } from 'commander';
import { SparkPlugError } from '../../errors.ts';
import { addMachine as joinMachine, makeJoinCommand } from '../../operations/machines/add-machine.ts';
import { drainMachine, listMachines, removeMachine, returnMachine } from '../../operations/machines/change-machines.ts';
import { parsePort } from '../parse-number.ts';
import { projectChoice } from '../project-choice.ts';
import { renderMachines } from '../render-machines.ts';
import { type Act, withExamples } from '../verb.ts';

interface AddOptions {
  readonly port?: number;
  readonly identity?: string;
  readonly hostKey?: string;
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
    .description('install Docker on a machine where it is missing, join it, and use it')
    .argument('<user@host>', 'as ssh takes it; root, or a user with sudo without a password')
    .option('--port <number>', 'its SSH port', parsePort)
    .option('--identity <file>', 'the private key to log in with')
    .option('--host-key <fingerprint>', 'trust this host key (SHA256:…) from now on')
    .option('--advertise <address>', 'the address of the conductor’s machine as the others reach it');
  withExamples(
    add,
    'sparkplug machine add root@10.0.0.7',
    'sparkplug machine add admin@box --host-key SHA256:…',
  ).action(
    act<AddOptions>(async ({ shell, options, args: [destination = ''] }) => {
      const { report, signal } = shell;
      const { port = null, identity: identityFile = null, hostKey = null, advertise = null } = options;
      const asked = { destination, port, identityFile, hostKey, advertise, report, signal };
      const added = await joinMachine(projectChoice(shell), asked);
      if (shell.json) shell.printJson(added);
      else shell.print(`${added.name} is in use: ${added.containers.join(', ')}\n${added.explanation}`);
      return 0;
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
    .description('drain a machine and take it out of the Swarm')
    .argument('<machine>', 'its name')
    .option('--now', 'do not wait for running jobs where a restart is needed', false)
    .option('--force', 'go on even where blocks are lost', false);
  withExamples(remove, 'sparkplug machine remove follower-2').action(
    act<ChangeOptions>(async ({ shell, options, args: [name = ''] }) => {
      if (!(await shell.confirm(`Drain ${name} and take it out of the Swarm?`))) {
        throw new SparkPlugError('USAGE', 'nothing was removed', { hint: 'answer y, or give --yes' });
      }
      const { report, signal } = shell;
      await removeMachine(projectChoice(shell), name, { ...options, report, signal });
      if (shell.json) shell.printJson({ machine: name, removed: true });
      else shell.print(`${name} was removed; on it, \`docker swarm leave\` ends its part`);
      return 0;
    }),
  );
}
