// Progress on standard error: live lines on a terminal, one line per event elsewhere.
import pc from 'picocolors';
import type { ProgressEvent, Report } from '../progress.ts';
import { formatBar, formatSeconds } from './format.ts';

interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** A progress bar's text is given anew at every change; null takes it away. */
export interface RunBar {
  readonly done: number;
  readonly total: number;
  readonly text: string;
}

/** Where a command's progress goes. Everything on `output` passes through here, so that live lines stay whole. */
export interface Screen {
  readonly report: Report;
  /** A line for people. */
  line(text: string): void;
  /** Calls `write` with the live lines out of the way, for output on the other stream. */
  aside(write: () => void): void;
  bar(bar: RunBar | null): void;
  /** Takes live lines away; later events still print. */
  close(): void;
}

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const frameMs = 100;
/** Elsewhere than on a terminal, further details of one step come at most this often. */
const plainIntervalMs = 10_000;

interface ActiveStep {
  readonly startedAt: number;
  detail: string;
}

/** `quiet`: nothing is shown but warnings. */
export function createScreen(output: Output, options: { readonly quiet?: boolean } = {}): Screen {
  return output.isTTY === true && !options.quiet
    ? createLiveScreen(output)
    : createPlainScreen(output, options.quiet ?? false);
}

function finalLine(event: ProgressEvent): string | null {
  switch (event.kind) {
    case 'step-done':
      return `${pc.green('✔')} ${event.step} ${pc.dim(`(${formatSeconds(event.durationMs)})`)}${after(event.detail)}`;
    case 'step-failed':
      return `${pc.red('✖')} ${event.step} ${pc.dim(`(${formatSeconds(event.durationMs)})`)}${after(event.detail)}`;
    case 'note':
      return event.text;
    case 'warning':
      return `${pc.yellow('warning:')} ${event.text}`;
    case 'step-started':
    case 'step-progress':
      return null;
  }
}

function after(detail: string | undefined): string {
  return detail === undefined || detail === '' ? '' : ` ${detail}`;
}

function createPlainScreen(output: Output, quiet: boolean): Screen {
  const shownAt = new Map<string, number>();
  let barShownAt = Number.NEGATIVE_INFINITY;
  let barText = '';
  const line = (text: string) => {
    if (!quiet) output.write(`${text}\n`);
  };
  const isDue = (step: string) => performance.now() - (shownAt.get(step) ?? 0) >= plainIntervalMs;
  const report: Report = (event) => {
    if (event.kind === 'step-started') {
      shownAt.set(event.step, performance.now());
      line(`… ${event.step}${event.cause === undefined ? '' : ` (${event.cause})`}`);
    } else if (event.kind === 'step-progress') {
      if (!isDue(event.step)) return;
      shownAt.set(event.step, performance.now());
      line(`… ${event.step}: ${event.detail}`);
    } else if (event.kind === 'warning') {
      output.write(`${finalLine(event)}\n`);
    } else {
      line(finalLine(event) ?? '');
    }
  };
  return {
    report,
    line,
    aside: (write) => write(),
    bar: (bar) => {
      if (bar === null || bar.text === barText || performance.now() - barShownAt < plainIntervalMs) return;
      barText = bar.text;
      barShownAt = performance.now();
      line(`… ${bar.text}`);
    },
    close: () => {},
  };
}

function createLiveScreen(output: Output): Screen {
  const steps = new Map<string, ActiveStep>();
  let bar: RunBar | null = null;
  let drawnLines = 0;
  let frame = 0;
  let timer: NodeJS.Timeout | null = null;

  const columns = () => output.columns ?? 80;
  const clip = (text: string) => (text.length > columns() - 1 ? `${text.slice(0, columns() - 2)}…` : text);
  const drawSteps = () =>
    [...steps].map(([name, { startedAt, detail }]) => {
      const head = `${frames[frame % frames.length]} ${name} (${formatSeconds(performance.now() - startedAt)})`;
      return clip(detail === '' ? head : `${head} ${detail}`);
    });
  const drawBar = () => (bar === null ? [] : [clip(`${formatBar(bar.done, bar.total)} ${bar.text}`)]);
  const clear = () => {
    // Up over the live lines and away with everything below.
    if (drawnLines > 0) output.write(`\u001b[${drawnLines}F\u001b[J`);
    drawnLines = 0;
  };
  const draw = () => {
    clear();
    const lines = [...drawSteps(), ...drawBar()];
    if (lines.length > 0) output.write(`${lines.join('\n')}\n`);
    drawnLines = lines.length;
    schedule();
  };
  const schedule = () => {
    if (steps.size === 0 || timer !== null) return;
    timer = setTimeout(() => {
      timer = null;
      frame += 1;
      draw();
    }, frameMs);
    // A forgotten spinner must not keep the program alive.
    timer.unref();
  };
  const aside = (write: () => void) => {
    clear();
    write();
    draw();
  };
  const line = (text: string) => aside(() => output.write(`${text}\n`));
  const report: Report = (event) => {
    if (event.kind === 'step-started') {
      steps.set(event.step, { startedAt: performance.now(), detail: event.cause ?? '' });
      draw();
      return;
    }
    if (event.kind === 'step-progress') {
      const active = steps.get(event.step);
      if (active !== undefined) active.detail = event.detail;
      return;
    }
    if (event.kind === 'step-done' || event.kind === 'step-failed') steps.delete(event.step);
    line(finalLine(event) ?? '');
  };
  return {
    report,
    line,
    aside,
    bar: (next) => {
      bar = next;
      draw();
    },
    close: () => {
      steps.clear();
      bar = null;
      clear();
      if (timer !== null) clearTimeout(timer);
      timer = null;
    },
  };
}
