// The script with which a machine that was removed leaves its Swarm and forgets the cluster's registry; pure.

export interface LeaveOrder {
  /** Swarm's id of the machine; null: not known. */
  readonly nodeId: string | null;
  /** `10.0.0.5:5000`; null: it was given none. */
  readonly registry: string | null;
}

/**
 * POSIX sh for root. Run twice it changes nothing. A machine that is by now in another Swarm stays there, and a manager
 * refuses by itself. Exit codes: 0 done, 5 the engine does not leave. An engine that does not answer is left alone, the
 * registry is forgotten all the same. Engines were seen to leave a Swarm that has forgotten them only after a restart: that
 * is not waited for.
 */
export function renderLeaveScript({ nodeId, registry }: LeaveOrder): string {
  return [
    'set -u',
    `expected=${quote(nodeId ?? '')}`,
    'if docker info >/dev/null 2>&1; then',
    `  state=$(docker info --format '{{.Swarm.LocalNodeState}}')`,
    `  node=$(docker info --format '{{.Swarm.NodeID}}')`,
    '  if [ "$state" = inactive ]; then',
    '    :',
    '  elif [ -n "$expected" ] && [ -n "$node" ] && [ "$node" != "$expected" ]; then',
    '    echo "this machine is in another Swarm by now, and stays there"',
    '  elif ! timeout 60 docker swarm leave; then',
    '    echo "this machine does not leave its Swarm ($state)" >&2',
    '    exit 5',
    '  fi',
    ...(registry === null ? [] : [`  docker logout ${quote(registry)} >/dev/null 2>&1`]),
    'fi',
    ...(registry === null ? [] : [`rm -rf ${quote(`/etc/docker/certs.d/${registry}`)}`]),
    'exit 0',
    '',
  ].join('\n');
}

/** The same in one line for people, to be run on a machine that cannot be reached from here. */
export function renderLeaveCommand(registry: string | null): string {
  const forget = registry === null ? '' : `; docker logout ${registry}; rm -rf /etc/docker/certs.d/${registry}`;
  return `sudo sh -c 'docker swarm leave${forget}'`;
}

/** For sh: nothing inside is expanded. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
