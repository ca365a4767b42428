// When jobs run by themselves: next times, pausing, another rule.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Pencil, Undo2 } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { Button } from 'react-aria-components/Button';
import { Switch } from 'react-aria-components/Switch';
import { Link } from 'wouter';
import { api, toProblem } from '../api.ts';
import type { Schedule, ScheduleRule } from '../api-types.ts';
import { ChoiceField, TextField } from '../components/fields.tsx';
import { ModalDialog } from '../components/modal-dialog.tsx';
import { Card, Figure, ListOf, Page } from '../components/page.tsx';
import { ProblemView } from '../components/problem-view.tsx';
import { formatMoment, formatRelative, formatTick } from '../format.ts';
import { useNow } from '../live/use-now.ts';
import { useMay } from '../session.tsx';

export function SchedulesPage() {
  const { data, error } = useQuery({
    queryKey: ['schedules'],
    queryFn: ({ signal }) => api.schedules(signal),
    refetchInterval: 10_000,
  });
  const mayRun = useMay('run');
  return (
    <Page title="Schedules" about={mayRun ? undefined : 'Your log-in may look at schedules, not change them.'}>
      {error === null ? null : <ProblemView error={error} />}
      <ListOf what="the schedules" items={data?.schedules} isRefused={error !== null} empty={<HowToSchedule />}>
        {(schedules) => schedules.map((schedule) => <ScheduleCard key={schedule.job} schedule={schedule} />)}
      </ListOf>
    </Page>
  );
}

function HowToSchedule() {
  return (
    <>
      <p>No job of this project has a schedule.</p>
      <p>
        Give a job one in sparkplug.yaml, <code>schedule: "0 3 * * *"</code>, then <code>sparkplug up</code>.
      </p>
    </>
  );
}

const outcomes = { queued: 'started', skipped: 'left out: a run was at work', missed: 'missed' } as const;
const overlapTexts = {
  skip: 'a time is left out while a run is at work',
  queue: 'a time is queued behind a run',
} as const;
const missedTexts = { skip: 'missed times are left out', once: 'missed times are made up for by one run' } as const;

function ScheduleCard({ schedule }: { readonly schedule: Schedule }) {
  const { job, rule, paused, overridden, next, last } = schedule;
  const now = useNow(10_000);
  const mayRun = useMay('run');
  const mayEdit = useMay('admin');
  const [isEditing, setEditing] = useState(false);
  const pause = useChange(() => (paused ? api.resumeSchedule(job) : api.pauseSchedule(job)));
  const reset = useChange(() => api.resetSchedule(job));
  const [first] = next;
  return (
    <Card
      title={job}
      actions={
        <div className="actions">
          {mayEdit && overridden ? (
            <Button className="button slim" isPending={reset.isPending} onPress={() => reset.mutate()}>
              <Undo2 size={15} aria-hidden />
              Back to the file’s
            </Button>
          ) : null}
          {mayEdit ? (
            <Button className="button slim" aria-label={`Edit the schedule of ${job}`} onPress={() => setEditing(true)}>
              <Pencil size={15} aria-hidden />
              Edit
            </Button>
          ) : null}
          {mayRun ? (
            <Switch
              className="switch"
              aria-label={`Schedule of ${job} is on`}
              isSelected={!paused}
              isDisabled={pause.isPending}
              onChange={() => pause.mutate()}
            >
              <span className="track" aria-hidden />
              {paused ? 'Paused' : 'On'}
            </Switch>
          ) : (
            <span className="muted small">{paused ? 'Paused' : 'On'}</span>
          )}
        </div>
      }
    >
      <div className="stack">
        {(pause.error ?? reset.error) === null ? null : <ProblemView error={pause.error ?? reset.error} />}
        <dl className="figures wide">
          <Figure name="Rule" large={false}>
            <code>{rule.cron}</code> in {rule.timezone}
            <div className="muted small">
              {overlapTexts[rule.overlap]}; {missedTexts[rule.missed]}
              {overridden ? '; set here, not in the file' : ''}
            </div>
          </Figure>
          <Figure name="Next times" large={false}>
            {first === undefined ? (
              <span className="muted">{paused ? 'none while paused' : 'none'}</span>
            ) : (
              <>
                <ol className="times">
                  {next.map((tick) => (
                    <li key={tick}>
                      <time dateTime={tick}>{formatTick(tick, rule.timezone)}</time>
                    </li>
                  ))}
                </ol>
                <div className="muted small">
                  the first {formatRelative(first, now)}, {formatMoment(first)} where you are
                </div>
              </>
            )}
          </Figure>
          <Figure name="Last time" large={false}>
            {last === null ? (
              <span className="muted">none yet</span>
            ) : (
              <>
                {formatTick(last.at, rule.timezone)}: {outcomes[last.outcome]}
                {last.run === null ? null : (
                  <>
                    {' '}
                    <Link href={`/runs/${encodeURIComponent(last.run)}`}>{last.run}</Link>
                  </>
                )}
              </>
            )}
          </Figure>
        </dl>
      </div>
      <ModalDialog title={`Schedule of ${job}`} isOpen={isEditing} onClose={() => setEditing(false)}>
        <EditForm job={job} rule={rule} onDone={() => setEditing(false)} />
      </ModalDialog>
    </Card>
  );
}

function useChange(change: () => Promise<unknown>) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSettled: () => queries.invalidateQueries({ queryKey: ['schedules'] }),
  });
}

interface EditFormProps {
  readonly job: string;
  readonly rule: ScheduleRule;
  readonly onDone: () => void;
}

function EditForm({ job, rule, onDone }: EditFormProps) {
  const queries = useQueryClient();
  const [draft, setDraft] = useState(rule);
  const save = useMutation({
    mutationFn: () => api.changeSchedule(job, draft),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['schedules'] });
      onDone();
    },
  });
  const problems = save.error === null ? [] : (toProblem(save.error).problems ?? []);
  const errorOf = (field: keyof ScheduleRule): string | undefined =>
    problems.find(({ place }) => place.split('.').at(-1) === field)?.message;
  const isShown = (['cron', 'timezone', 'overlap', 'missed'] as const).some((field) => errorOf(field) !== undefined);
  const set = <K extends keyof ScheduleRule>(field: K, value: ScheduleRule[K]): void => {
    setDraft((before) => ({ ...before, [field]: value }));
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <form className="form" onSubmit={submit} noValidate>
      <TextField
        label="Rule"
        help="Minute, hour, day of the month, month, day of the week, as in crontab: 0 3 * * 1-5"
        value={draft.cron}
        onChange={(value) => set('cron', value)}
        error={errorOf('cron')}
        isRequired
        isMono
        autoFocus
      />
      <TextField
        label="Time zone"
        value={draft.timezone}
        onChange={(value) => set('timezone', value)}
        error={errorOf('timezone')}
        list={Intl.supportedValuesOf('timeZone')}
        isRequired
      />
      <ChoiceField
        label="While a run of the job is at work"
        value={draft.overlap}
        options={[
          { value: 'skip', text: 'leave the time out' },
          { value: 'queue', text: 'queue a run behind it' },
        ]}
        onChange={(value) => set('overlap', value)}
        error={errorOf('overlap')}
      />
      <ChoiceField
        label="After the scheduler was down"
        value={draft.missed}
        options={[
          { value: 'skip', text: 'leave missed times out' },
          { value: 'once', text: 'make up for them by one run' },
        ]}
        onChange={(value) => set('missed', value)}
        error={errorOf('missed')}
      />
      {save.error === null || isShown ? null : <ProblemView error={save.error} />}
      <p className="muted small">It lasts until the project file’s own value changes, or until it is set back.</p>
      <div className="actions end">
        <Button slot="close" className="button">
          Cancel
        </Button>
        <Button className="button primary" type="submit" isPending={save.isPending}>
          Save
        </Button>
      </div>
    </form>
  );
}
