// Lines of a process's two output streams as one sequence, without a buffer that grows while the reader is slow.
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { StreamLine } from './docker.ts';

type Source = StreamLine['source'];

interface Pending {
  readonly source: Source;
  readonly result: IteratorResult<string>;
}

/** Yields each line as soon as it is whole. Order between the two streams is that of arrival. */
export async function* mergeLines(streams: Readonly<Record<Source, Readable>>): AsyncGenerator<StreamLine> {
  const next = async (source: Source, lines: AsyncIterator<string>): Promise<Pending> => ({
    source,
    result: await lines.next(),
  });
  const iterators = new Map<Source, AsyncIterator<string>>();
  const waiting = new Map<Source, Promise<Pending>>();
  for (const source of ['stdout', 'stderr'] as const) {
    const lines = createInterface({ input: streams[source], crlfDelay: Number.POSITIVE_INFINITY })[
      Symbol.asyncIterator
    ]();
    iterators.set(source, lines);
    waiting.set(source, next(source, lines));
  }
  while (waiting.size > 0) {
    const { source, result } = await Promise.race(waiting.values());
    const lines = iterators.get(source);
    if (result.done === true || lines === undefined) {
      waiting.delete(source);
      continue;
    }
    waiting.set(source, next(source, lines));
    yield { line: result.value, source };
  }
}
