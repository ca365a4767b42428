// Starting a run: which job, with which arguments.
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { Button } from 'react-aria-components/Button';
import { api, randomKey } from '../api.ts';
import type { JobInfo, Run } from '../api-types.ts';
import { ChoiceField, TextField } from './fields.tsx';
import { ModalDialog } from './modal-dialog.tsx';
import { ProblemView } from './problem-view.tsx';

interface StartRunDialogProps {
  readonly isOpen: boolean;
  readonly jobs: readonly JobInfo[];
  readonly initialJob: string;
  readonly onClose: () => void;
  readonly onStarted: (run: Run) => void;
}

export function StartRunDialog(props: StartRunDialogProps) {
  return (
    <ModalDialog title="Start a run" isOpen={props.isOpen} onClose={props.onClose}>
      <StartRunForm {...props} />
    </ModalDialog>
  );
}

function StartRunForm({ jobs, initialJob, onStarted }: StartRunDialogProps) {
  const queries = useQueryClient();
  const [job, setJob] = useState(initialJob === '' ? (jobs[0]?.name ?? '') : initialJob);
  const usual = jobs.find(({ name }) => name === job)?.args ?? [];
  const [text, setText] = useState(() => usual.join('\n'));
  // One key for one form: a second press of the button starts no second run.
  const key = useRef(randomKey());
  const start = useMutation({
    mutationFn: () => api.startRun(job, text === usual.join('\n') ? null : toArguments(text), key.current),
    onSuccess: (run) => {
      void queries.invalidateQueries({ queryKey: ['runs'] });
      onStarted(run);
    },
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another request needs another key.
  useEffect(() => {
    key.current = randomKey();
  }, [job, text]);
  if (jobs.length === 0) {
    return <p>The project has no job yet, or the scheduler does not answer. `sparkplug up` tells it of the jobs.</p>;
  }
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    start.mutate();
  };
  return (
    <form className="form" onSubmit={submit}>
      <ChoiceField
        label="Job"
        value={job}
        options={jobs.map(({ name, main }) => ({ value: name, text: `${name} (${main})` }))}
        onChange={(name) => {
          setJob(name);
          setText((jobs.find((other) => other.name === name)?.args ?? []).join('\n'));
        }}
      />
      <TextField
        label="Arguments"
        help="One a line, passed on as they are; these are the job’s own until you change them."
        value={text}
        onChange={setText}
        rows={4}
        isMono
      />
      {start.error === null ? null : <ProblemView error={start.error} />}
      <div className="actions end">
        <Button slot="close" className="button">
          Close
        </Button>
        <Button className="button primary" type="submit" isPending={start.isPending}>
          Start
        </Button>
      </div>
    </form>
  );
}

function toArguments(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}
