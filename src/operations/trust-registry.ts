// The conductor machine's own engine trusts the registry that runs on it: a file that Docker reads at each push.
import type { Docker } from '../adapters/docker/docker.ts';
import type { DesiredState } from '../stack/desired-state.ts';

/** The engine's side of the bind; Docker makes it where it is missing. */
const certificateFolder = '/etc/docker/certs.d';

/**
 * Writes the authority's certificate where the engine looks for it, through the engine itself, wherever that is: a
 * container that may write this one folder, has no network, and ends. What is there already stays untouched.
 */
export async function trustRegistry(
  docker: Pick<Docker, 'run'>,
  { registry, images }: DesiredState,
  signal?: AbortSignal,
): Promise<void> {
  if (registry === undefined) return;
  const script = [
    'set -e; umask 022; cat > /tmp/ca.crt; folder="/certs.d/$1"',
    'if cmp -s /tmp/ca.crt "$folder/ca.crt"; then exit 0; fi',
    // Renamed into place: an engine that reads meanwhile finds the old one or the new one.
    'mkdir -p "$folder"; cp /tmp/ca.crt "$folder/ca.new"; mv "$folder/ca.new" "$folder/ca.crt"',
  ].join('\n');
  await docker.run(
    [
      ...['run', '--rm', '--interactive', '--network', 'none', '--user', '0:0', '--cap-drop', 'ALL'],
      ...['--cap-add', 'DAC_OVERRIDE', '--volume', `${certificateFolder}:/certs.d`, '--entrypoint', 'sh'],
      ...[images.conductor, '-c', script, 'trust', registry.address],
    ],
    { input: registry.caCertificate, signal },
  );
}
