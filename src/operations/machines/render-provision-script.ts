// The script that readies a Debian or Ubuntu machine: looks whether it can be used, and installs Docker where it is
// missing; pure. The same over SSH and from cloud-init.

/** What is left for images, shuffles and blocks must be worth joining for; SparkPlug's images alone take 2 GiB. */
const leastFreeKiB = 6 * 1024 * 1024;
const engineWaitSeconds = 60;

/**
 * POSIX sh for root. Run twice it changes nothing; an engine that is there is left as it is. Its last line is the version
 * of the engine. Exit codes: 0 ready, 65 a system whose packages it does not know, 66 too little disk, 67 the engine does
 * not start, 68 a package cannot be installed; the reason stands on standard error.
 */
export function renderProvisionScript(): string {
  return `${[...readSystem, ...checkDisk, ...installEngine, ...startEngine].join('\n')}\n`;
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
  `  fail 66 "only $((free / 1024)) MiB are free in /var/lib/docker; ${leastFreeKiB / 1024} MiB are needed"`,
  'fi',
];

/** docker-cli is a package of its own from Debian 13 on; dockerd needs iptables, overlays need iproute2. */
const installEngine = [
  'if ! command -v dockerd >/dev/null 2>&1 || ! command -v docker >/dev/null 2>&1; then',
  '  case " $ID $ID_LIKE " in',
  '    *" debian "* | *" ubuntu "*) ;;',
  '    *) fail 65 "Docker Engine is missing, and this is $PRETTY_NAME: install it with its own means" ;;',
  '  esac',
  '  echo "installing Docker Engine"',
  '  apt-get update -qq >/dev/null || fail 68 "apt-get update failed"',
  '  wanted=',
  '  for name in docker.io docker-cli iptables iproute2 ca-certificates; do',
  `    if apt-cache show "$name" >/dev/null 2>&1; then wanted="$wanted $name"; fi`,
  '  done',
  '  log=$(mktemp)',
  '  apt-get install -y -qq --no-install-recommends $wanted >"$log" 2>&1 || fail 68 "$(tail -n 4 "$log")"',
  '  rm -f "$log"',
  'fi',
];

/** Without systemd it is a daemon of its own; what an engine that was ended hard left behind would keep it from starting. */
const startEngine = [
  'answers() { docker info >/dev/null 2>&1; }',
  'if ! answers; then',
  '  if [ -d /run/systemd/system ]; then',
  '    systemctl enable --now docker >/dev/null 2>&1 || fail 67 "$(journalctl -u docker -n 4 --no-pager 2>&1)"',
  '  else',
  '    for file in /var/run/docker.pid /var/run/docker/containerd/containerd.pid; do',
  '      if [ -e "$file" ] && ! kill -0 "$(cat "$file")" 2>/dev/null; then rm -f "$file"; fi',
  '    done',
  '    setsid dockerd >/var/log/dockerd.log 2>&1 </dev/null &',
  '  fi',
  `  left=${engineWaitSeconds}`,
  '  until answers; do',
  '    left=$((left - 1))',
  '    [ "$left" -gt 0 ] || fail 67 "the Docker engine does not start: $(tail -n 3 /var/log/dockerd.log 2>&1)"',
  '    sleep 1',
  '  done',
  'fi',
  `docker info --format '{{.ServerVersion}}'`,
];
