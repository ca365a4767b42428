// All verbs and the flags they share.
import { Command, type CommanderError, InvalidArgumentError, Option } from 'commander';
import { version } from '../version.ts';
import type { GlobalOptions, Shell } from './shell.ts';
import { createAct } from './verb.ts';
import { addAws } from './verbs/aws.ts';
import { addDoctor } from './verbs/doctor.ts';
import { addExec } from './verbs/exec.ts';
import { addHdfs } from './verbs/hdfs.ts';
import { addImages } from './verbs/images.ts';
import { addLab } from './verbs/lab.ts';
import { addLogs } from './verbs/logs.ts';
import { addMachine } from './verbs/machine.ts';
import { addNew } from './verbs/new.ts';
import { addOpen } from './verbs/open.ts';
import { addPlan } from './verbs/plan.ts';
import { addResults } from './verbs/results.ts';
import { addRun } from './verbs/run.ts';
import { addRuns } from './verbs/runs.ts';
import { addScale } from './verbs/scale.ts';
import { addSchedule } from './verbs/schedule.ts';
import { addSecret } from './verbs/secret.ts';
import { addStatus } from './verbs/status.ts';
import { addToken } from './verbs/token.ts';
import { addTune } from './verbs/tune.ts';
import { addUpAndDown } from './verbs/up-and-down.ts';
import { addVersion } from './verbs/version.ts';

/** The whole command line. `openShell` is called once, when a verb's action starts. */
export function createProgram(
  openShell: (options: GlobalOptions) => Shell,
  finish: (exitCode: number) => void,
): Command {
  const program = new Command('sparkplug')
    .description('Spark and HDFS in containers for a data app: one command, no configuration.')
    .version(version, '-V, --version', 'print the version')
    .option('-C, --project <dir>', "the project's folder (default: the current folder or one above it)")
    .option('--context <name>', 'the Docker context that the cluster lives in')
    .addOption(new Option('-o, --output <format>', 'what to print').choices(['text', 'json']).default('text'))
    .option('--yes', 'answer every question with yes', false)
    .option('--set <key=value>', 'override a key of sparkplug.yaml (repeatable)', collectOverride, [])
    .helpCommand('help [verb]', 'help for a verb')
    .configureHelp({ showGlobalOptions: true, optionDescription: describeOption })
    .addHelpText('after', '\nStart with:\n  $ sparkplug new my-app && cd my-app && sparkplug up && sparkplug run');
  const act = createAct(openShell, finish);
  addNew(program, act);
  addDoctor(program, act);
  addPlan(program, act);
  addTune(program, act);
  addUpAndDown(program, act);
  addStatus(program, act);
  addOpen(program, act);
  addLogs(program, act);
  addExec(program, act);
  addRun(program, act);
  addRuns(program, act);
  addScale(program, act);
  addMachine(program, act);
  addSchedule(program, act);
  addResults(program, act);
  addHdfs(program, act);
  addImages(program, act);
  addLab(program, act);
  addAws(program, act);
  addSecret(program, act);
  addToken(program, act);
  addVersion(program, act);
  throwInsteadOfExit(program);
  return program;
}

/** Says what may be given and what holds without it; that a flag is off and a list empty needs no words. */
function describeOption({ description, argChoices, defaultValue }: Option): string {
  const facts = [
    ...(argChoices === undefined ? [] : [argChoices.join(' | ')]),
    ...(typeof defaultValue === 'string' || typeof defaultValue === 'number' ? [`default: ${defaultValue}`] : []),
  ];
  return facts.length === 0 ? description : `${description} (${facts.join('; ')})`;
}

function collectOverride(value: string, before: readonly string[]): readonly string[] {
  if (!/^[^=]+=/.test(value)) throw new InvalidArgumentError('It looks like spark.workers=2.');
  return [...before, value];
}

/** Wrong use is printed by the caller in the form of all errors; commander's own lines are held back. */
function throwInsteadOfExit(command: Command): void {
  command.exitOverride((error: CommanderError) => {
    throw error;
  });
  command.configureOutput({ outputError: () => {} });
  command.showSuggestionAfterError(true);
  for (const child of command.commands) throwInsteadOfExit(child);
}
