import { type Command, Option } from 'commander';
import type { Schedule, ScheduleChange } from '../../api/schemas.ts';
import { listSchedules, pauseSchedule, resetSchedule, resumeSchedule, setSchedule } from '../../operations/schedule.ts';
import { projectChoice } from '../project-choice.ts';
import { renderSchedules } from '../render-schedules.ts';
import type { Shell } from '../shell.ts';
import { type Act, withExamples } from '../verb.ts';

export function addSchedule(program: Command, act: Act): void {
  const schedule = program.command('schedule').description('when jobs run by themselves');
  withExamples(schedule, 'sparkplug schedule', 'sparkplug schedule pause predict');

  const list = schedule.command('list', { isDefault: true }).description('rules, next times and what came of the last');
  withExamples(list, 'sparkplug schedule list').action(
    act(async ({ shell }) => {
      const schedules = await listSchedules(projectChoice(shell), shell.signal);
      if (shell.json) shell.printJson({ schedules });
      else if (schedules.length > 0) shell.print(renderSchedules(schedules));
      else shell.print('no job has a schedule; add `schedule: "0 3 * * *"` to one in sparkplug.yaml');
      return 0;
    }),
  );

  const pause = schedule.command('pause').description('start nothing until it is resumed').argument('<job>', 'the job');
  withExamples(pause, 'sparkplug schedule pause predict').action(
    act(async ({ shell, args: [job = ''] }) =>
      print(shell, job, await pauseSchedule(projectChoice(shell), job, shell.signal)),
    ),
  );

  const resume = schedule.command('resume').description('go on after a pause').argument('<job>', 'the job');
  withExamples(resume, 'sparkplug schedule resume predict').action(
    act(async ({ shell, args: [job = ''] }) =>
      print(shell, job, await resumeSchedule(projectChoice(shell), job, shell.signal)),
    ),
  );

  const set = schedule
    .command('set')
    .description('another rule than that of sparkplug.yaml, until that changes')
    .argument('<job>', 'the job')
    .option('--cron <rule>', 'five fields')
    .option('--timezone <name>', 'an IANA name')
    .addOption(new Option('--overlap <what>', 'a tick while a run is not over').choices(['skip', 'queue']))
    .addOption(new Option('--missed <what>', 'ticks that nobody could start').choices(['skip', 'once']));
  withExamples(set, 'sparkplug schedule set predict --cron "30 4 * * *" --timezone Europe/Zurich').action(
    act<ScheduleChange>(async ({ shell, options, args: [job = ''] }) =>
      print(shell, job, await setSchedule(projectChoice(shell), job, options, shell.signal)),
    ),
  );

  const reset = schedule.command('reset').description('the rule of sparkplug.yaml again').argument('<job>', 'the job');
  withExamples(reset, 'sparkplug schedule reset predict').action(
    act(async ({ shell, args: [job = ''] }) =>
      print(shell, job, await resetSchedule(projectChoice(shell), job, shell.signal)),
    ),
  );
}

async function print(shell: Shell, job: string, schedule: Schedule | null): Promise<number> {
  if (shell.json) shell.printJson({ schedule });
  else shell.print(schedule === null ? `job ${job} has no schedule any more` : renderSchedules([schedule]));
  return 0;
}
