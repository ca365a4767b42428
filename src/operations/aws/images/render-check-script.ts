// Script by which a machine looks whether an image can be made of it; pure.
import { quoteForSh } from '../../machines/boot/quote-for-sh.ts';

/**
 * POSIX sh for root. Each image is not only there but starts a container, and the engine comes back with the machine.
 * Exit code 1 and a line for the first thing that is wrong.
 * @param refs images that must be there, by name
 */
export function renderCheckScript(refs: readonly string[]): string {
  const lines = [
    'set -u',
    'fail() { echo "$*" >&2; exit 1; }',
    `docker info >/dev/null 2>&1 || fail 'the Docker engine does not answer'`,
    `[ "$(docker info --format '{{.Swarm.LocalNodeState}}')" = inactive ] || fail 'the machine is in a Swarm'`,
    'if [ -d /run/systemd/system ]; then',
    `  systemctl is-enabled --quiet docker || fail 'the Docker engine is not started with the machine'`,
    'fi',
    // What a follower's first boot needs beside an engine.
    'for program in curl python3; do command -v "$program" >/dev/null || fail "$program is missing"; done',
    `for ref in ${refs.map(quoteForSh).join(' ')}; do`,
    '  said=$(docker run --rm --network none --entrypoint true "$ref" 2>&1) || fail "$ref does not start: $said"',
    'done',
  ];
  return `${lines.join('\n')}\n`;
}
