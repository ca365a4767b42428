// What a process writes to both of its streams, at the pace of the reader.
import type { Readable } from 'node:stream';
import type { PipedOutput } from './docker.ts';

type Source = 'stdout' | 'stderr';

/** Each chunk as it comes; the order between the streams is that of arrival. */
export async function* mergeChunks(
  streams: Readonly<Record<Source, Readable>>,
): AsyncGenerator<Extract<PipedOutput, { kind: 'output' }>> {
  const next = async (source: Source, reader: AsyncIterator<Uint8Array>) => ({
    source,
    reader,
    result: await reader.next(),
  });
  const waiting = new Map<Source, ReturnType<typeof next>>();
  for (const source of ['stdout', 'stderr'] as const) {
    waiting.set(source, next(source, streams[source][Symbol.asyncIterator]() as AsyncIterator<Uint8Array>));
  }
  while (waiting.size > 0) {
    const { source, reader, result } = await Promise.race(waiting.values());
    if (result.done === true) {
      waiting.delete(source);
      continue;
    }
    waiting.set(source, next(source, reader));
    yield { kind: 'output', source, bytes: result.value };
  }
}
