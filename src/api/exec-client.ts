// A command in a component's container, as a stream of what it prints.
import { SparkPlugError } from '../errors.ts';
import { type CallOptions, check, type Open, parseJson, problemToError, route, signalOf } from './exchange.ts';
import { type ExecEvent, ExecExit, ExecOutput, type ExecRequest } from './schemas.ts';
import { parseServerSentEvents } from './server-sent-events.ts';

/** Never taken up again where it breaks off: a command must not run twice. */
export async function* execInComponent(
  open: Open,
  component: string,
  request: ExecRequest,
  options: CallOptions,
): AsyncGenerator<ExecEvent> {
  const path = route`/api/v1/components/${component}/exec`;
  const answer = await open({ method: 'POST', path, body: JSON.stringify(request), ...signalOf(options) });
  try {
    for await (const { event, data } of parseServerSentEvents(answer)) {
      if (event === 'problem') throw problemToError(data, path);
      if (event === 'exit') {
        yield { kind: 'exit', exitCode: check(ExecExit, parseJson(data), path).exitCode };
        return;
      }
      if (event !== 'output') continue;
      const { source, data: bytes } = check(ExecOutput, parseJson(data), path);
      yield { kind: 'output', source, bytes: Buffer.from(bytes, 'base64') };
    }
  } finally {
    answer.destroy();
  }
  options.signal?.throwIfAborted();
  throw new SparkPlugError('CLUSTER_UNREACHABLE', 'the connection broke off before the command had ended', {
    place: component,
    hint: 'the command may still be running there',
  });
}
