// A node:test reporter that prints one line a test and leaves the counts in the file SPARKPLUG_COUNTS names.
import { appendFileSync } from 'node:fs';
import type { TestEvent } from 'node:test/reporters';

interface Counts {
  passed: number;
  failed: number;
}

export default async function* countingReporter(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const counts: Counts = { passed: 0, failed: 0 };
  for await (const event of source) {
    if (event.type === 'test:pass' || event.type === 'test:fail') {
      // A suite fails with its tests; only a failure of its own, in a hook, is told and counted.
      if (event.data.details.type === 'suite' && !isHookFailure(event)) continue;
      const failed = event.type === 'test:fail';
      // A skipped or todo test is not a pass: nothing here may be left out quietly.
      const skipped = event.data.skip !== undefined || event.data.todo !== undefined;
      counts[failed || skipped ? 'failed' : 'passed'] += 1;
      const seconds = (event.data.details.duration_ms / 1000).toFixed(1);
      const mark = failed ? '✖' : skipped ? '✖ (skipped)' : '✔';
      yield `${'  '.repeat(event.data.nesting)}${mark} ${event.data.name} (${seconds} s)\n`;
      if (event.type === 'test:fail') yield `${describeFailure(event.data.details.error)}\n`;
    } else if (event.type === 'test:stderr' || event.type === 'test:stdout') {
      yield event.data.message;
    }
  }
  const file = process.env.SPARKPLUG_COUNTS;
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(counts)}\n`);
}

function isHookFailure(event: TestEvent): boolean {
  return (
    event.type === 'test:fail' && (event.data.details.error as { failureType?: string }).failureType === 'hookFailed'
  );
}

function describeFailure(error: Error): string {
  const cause = error.cause instanceof Error ? (error.cause.stack ?? error.cause.message) : String(error.cause ?? '');
  return `${error.message}\n${cause}`
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
}
