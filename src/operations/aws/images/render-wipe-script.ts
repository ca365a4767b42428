// Script that makes of a used machine one that has never been anybody: what an image must not hold; pure.

/**
 * What tells machines apart or lets somebody in. The engine's id names a machine to a Swarm's managers, its `swarm` folder
 * is a member's certificate; machine-id and host keys would be those of every instance of the image.
 */
const identities = [
  '/var/lib/docker/swarm',
  '/var/lib/docker/engine-id',
  '/etc/docker/key.json',
  '/etc/docker/certs.d',
  '/etc/docker/daemon.json',
  '/root/.docker',
  '/home/*/.docker',
  '/var/lib/sparkplug',
  '/usr/local/lib/sparkplug',
  '/etc/systemd/system/sparkplug-*',
  '/etc/systemd/system/*.wants/sparkplug-*',
  '/etc/ssh/ssh_host_*',
  '/root/.ssh',
  '/home/*/.ssh',
  '/var/lib/dbus/machine-id',
  '/var/lib/systemd/random-seed',
  '/var/lib/systemd/credential.secret',
  '/var/lib/dhcp/*.leases',
  '/var/lib/cloud/*',
  '/etc/netplan/50-cloud-init.yaml',
  '/etc/network/interfaces.d/50-cloud-init',
  '/root/.*_history',
  '/home/*/.*_history',
  '/root/.cache',
  '/home/*/.cache',
  '/var/cache/apt/*.bin',
  '/var/lib/apt/lists/*',
] as const;

/**
 * POSIX sh for root, the last thing that a machine runs before it stops: afterwards nobody can log in. Ends the engine.
 * It looks itself whether anything is left; exit code 1 and a line for each thing that is.
 */
export function renderWipeScript(): string {
  return `${[...stopEngine, ...wipe, ...check].join('\n')}\n`;
}

const stopEngine = [
  'set -eu',
  'docker swarm leave --force >/dev/null 2>&1 || true',
  'if [ -d /run/systemd/system ]; then',
  '  systemctl stop docker.socket docker.service',
  '  systemctl stop containerd.service || true',
  'elif [ -e /var/run/docker.pid ]; then',
  '  engine=$(cat /var/run/docker.pid)',
  '  kill "$engine" 2>/dev/null || true',
  '  while kill -0 "$engine" 2>/dev/null; do sleep 1; done',
  'fi',
];

const wipe = [
  // systemd takes an empty one for a first boot, and makes the machine's own.
  ': >/etc/machine-id',
  'if command -v apt-get >/dev/null 2>&1; then apt-get clean; fi',
  `for path in ${identities.join(' ')}; do rm -rf "$path"; done`,
  'find /tmp /var/tmp -mindepth 1 -delete 2>/dev/null || true',
  // The journal writes into memory from here on, or it would begin anew what was removed.
  'if [ -d /run/systemd/system ]; then journalctl --relinquish-var || true; fi',
  'rm -rf /var/log/journal/*',
  `find /var/log -type f \\( -name '*.gz' -o -name '*.[0-9]' \\) -delete`,
  'find /var/log -type f -exec truncate -s 0 {} +',
  'sync',
];

const check = [
  'left=0',
  `for path in ${identities.join(' ')}; do`,
  '  if [ -e "$path" ]; then',
  '    echo "left: $path" >&2',
  '    left=1',
  '  fi',
  'done',
  'if [ -s /etc/machine-id ]; then echo "left: /etc/machine-id" >&2; left=1; fi',
  'exit "$left"',
];
