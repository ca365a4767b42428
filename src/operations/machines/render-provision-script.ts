// The script that readies a Debian or Ubuntu machine: looks whether it can be used, and installs Docker where it is
// missing; pure. The same over SSH, from cloud-init, and (its middle part) on the computer of `up` itself.

/** What is left for images, shuffles and blocks must be worth joining for; SparkPlug's images alone take 2 GiB. */
const leastFreeKiB = 6 * 1024 * 1024;
const engineWaitSeconds = 60;

/** Exit codes of the scripts besides 0; the reason stands on standard error. */
export const provisionExits = { unknownSystem: 65, diskFull: 66, silentEngine: 67, missingPackage: 68 } as const;

/**
 * POSIX sh for root. Run twice it changes nothing; an engine that is there is left as it is. Its last line is the version
 * of the engine.
 */
export function renderProvisionScript(): string {
  return `${[...readSystem, ...checkDisk, ...installEngine, ...startEngine].join('\n')}\n`;
}

/** The same without disk and start: only installs Docker, and only where it is missing. */
export function renderInstallScript(): string {
  return `${[...readSystem, ...installEngine].join('\n')}\n`;
}

const readSystem = [
  'set -eu',
  'umask 022',
  'export DEBIAN_FRONTEND=noninteractive LC_ALL=C',
  'ID=unknown ID_LIKE= PRETTY_NAME=unknown',
  '[ ! -r /etc/os-release ] || . /etc/os-release',
  'fail() { code=$1; shift; echo "$*" >&2; exit "$code"; }',
];

const checkDisk = [
  'mkdir -p /var/lib/docker',
  `free=$(df -Pk /var/lib/docker | awk 'NR == 2 { print $4 }')`,
  `if [ "$free" -lt ${leastFreeKiB} ]; then`,
  `  fail ${provisionExits.diskFull} "only $((free / 1024)) MiB are free in /var/lib/docker; ${leastFreeKiB / 1024} MiB are needed"`,
  'fi',
];

/**
 * docker-cli is a package of its own from Debian 13 on; dockerd needs iptables, overlays need iproute2. Another apt-get may
 * be at work (a fresh machine's own upgrades): it is waited for, for which apt knows an option at the packages but none at
 * their lists. A mirror that fails is not fatal as long as the packages can be had.
 */
const installEngine = [
  'if ! command -v dockerd >/dev/null 2>&1 || ! command -v docker >/dev/null 2>&1; then',
  '  case " $ID $ID_LIKE " in',
  '    *" debian "* | *" ubuntu "*) ;;',
  `    *) fail ${provisionExits.unknownSystem} "Docker Engine is missing, and this is $PRETTY_NAME: install it with its own means" ;;`,
  '  esac',
  '  echo "installing Docker Engine"',
  '  log=$(mktemp)',
  '  left=60',
  '  until apt-get update -q >"$log" 2>&1; do',
  '    left=$((left - 1))',
  '    if [ "$left" -le 0 ] || ! grep -q "Could not get lock" "$log"; then break; fi',
  '    sleep 5',
  '  done',
  '  wanted=',
  '  for name in docker.io docker-cli iptables iproute2 ca-certificates; do',
  `    if apt-cache show "$name" >/dev/null 2>&1; then wanted="$wanted $name"; fi`,
  '  done',
  '  case "$wanted" in',
  '    *" docker.io"*) ;;',
  `    *) fail ${provisionExits.missingPackage} "the packages of this system have no docker.io: $(tail -n 4 "$log")" ;;`,
  '  esac',
  '  apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=300 $wanted >"$log" 2>&1 ||',
  `    fail ${provisionExits.missingPackage} "$(tail -n 4 "$log")"`,
  '  rm -f "$log"',
  'fi',
];

/** Without systemd it is a daemon of its own; what an engine that was ended hard left behind would keep it from starting. */
const startEngine = [
  'answers() { docker info >/dev/null 2>&1; }',
  'if ! answers; then',
  '  if [ -d /run/systemd/system ]; then',
  `    systemctl enable --now docker >/dev/null 2>&1 || fail ${provisionExits.silentEngine} "$(journalctl -u docker -n 4 --no-pager 2>&1)"`,
  '  else',
  '    for file in /var/run/docker.pid /var/run/docker/containerd/containerd.pid; do',
  '      if [ -e "$file" ] && ! kill -0 "$(cat "$file")" 2>/dev/null; then rm -f "$file"; fi',
  '    done',
  '    setsid dockerd >/var/log/dockerd.log 2>&1 </dev/null &',
  '  fi',
  `  left=${engineWaitSeconds}`,
  '  until answers; do',
  '    left=$((left - 1))',
  `    [ "$left" -gt 0 ] || fail ${provisionExits.silentEngine} "the Docker engine does not start: $(tail -n 3 /var/log/dockerd.log 2>&1)"`,
  '    sleep 1',
  '  done',
  'fi',
  `docker info --format '{{.ServerVersion}}'`,
];
