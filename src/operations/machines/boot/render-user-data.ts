// What cloud-init is told on an instance's first boot; pure. Whoever may describe instances can read it, so it holds no
// secret and nothing of a Swarm: a follower learns those from AWS Systems Manager by its instance profile.
import { stringify } from 'yaml';
import { renderProvisionScript } from '../render-provision-script.ts';
import { joinedMark, renderFollowScript } from './render-follow-script.ts';
import { renderNoticeWatcher } from './render-notice-watcher.ts';

export interface FollowerBoot {
  readonly region: string;
  /** `/sparkplug/<project>/join` */
  readonly parameter: string;
  /** False: compute only (spot, groups). */
  readonly storage: boolean;
  readonly spot: boolean;
  /** Of AWS Systems Manager; null: the service's own. For tests. */
  readonly endpoint: string | null;
}

/** Who logs in on Debian's images. */
export const loginUser = 'admin';
/** There once the engine runs and the user may use it. */
export const readyMark = '/var/lib/sparkplug/ready';

const folder = '/usr/local/lib/sparkplug';
const provisionFile = `${folder}/provision`;
const followFile = `${folder}/follow`;
const watchFile = `${folder}/watch-notice`;
const bootFile = `${folder}/boot`;

/** Joins the cluster whose order stands under `parameter`, and holds no blocks where `storage` is false. */
export function renderFollowerUserData(boot: FollowerBoot): string {
  const watched = boot.spot ? [scriptFile(watchFile, renderNoticeWatcher()), unitFile('watch-notice', watchUnit)] : [];
  return renderCloudConfig([
    scriptFile(provisionFile, renderProvisionScript()),
    scriptFile(followFile, renderFollowScript(boot)),
    unitFile('follow', followUnit),
    ...watched,
    ...(boot.storage ? [] : [computeOnlyFile]),
    scriptFile(bootFile, renderFollowerBoot(boot)),
  ]);
}

/** Readies the engine (nothing to do on an image of SparkPlug's) and lets the user who logs in use it. */
export function renderConductorUserData(): string {
  return renderCloudConfig([
    scriptFile(provisionFile, renderProvisionScript()),
    scriptFile(bootFile, lines(...readyEngine, ...admitUser)),
  ]);
}

/** Like a conductor's, for an instance that an image is made of: it ends by itself, whatever becomes of who started it. */
export function renderBuilderUserData(lifeMinutes: number): string {
  return renderCloudConfig([
    scriptFile(provisionFile, renderProvisionScript()),
    scriptFile(bootFile, lines(`shutdown -h +${lifeMinutes} || true`, ...readyEngine, ...admitUser)),
  ]);
}

interface WrittenFile {
  readonly path: string;
  readonly permissions: string;
  readonly content: string;
}

function renderCloudConfig(files: readonly WrittenFile[]): string {
  const config = { write_files: files, runcmd: [['sh', bootFile]] };
  return `#cloud-config\n${stringify(config, { lineWidth: 0 })}`;
}

function scriptFile(path: string, content: string): WrittenFile {
  return { path, permissions: '0755', content };
}

function unitFile(name: string, content: string): WrittenFile {
  return { path: `/etc/systemd/system/sparkplug-${name}.service`, permissions: '0644', content };
}

/**
 * An engine's labels are the one thing that a machine can say of itself to a Swarm's managers. cloud-init writes files
 * before the engine starts, on a fresh Debian as on an image that has one.
 */
const computeOnlyLabel = 'sparkplug.storage=none';
const computeOnlyFile: WrittenFile = {
  path: '/etc/docker/daemon.json',
  permissions: '0644',
  content: `${JSON.stringify({ labels: [computeOnlyLabel] })}\n`,
};

function lines(...texts: readonly string[]): string {
  return `${texts.join('\n')}\n`;
}

/**
 * Debian's own daily updates may hold apt's locks, and a mirror may be away for a moment; another system (65) and a full
 * disk (66) stay what they are. curl is not part of every image.
 */
const readyEngine = [
  `say() { echo "sparkplug: $*"; }`,
  'ready() {',
  `  sh ${provisionFile} || return`,
  '  command -v curl >/dev/null 2>&1 || {',
  '    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends curl ca-certificates >/dev/null',
  '  }',
  '}',
  'left=10',
  'until ready; do',
  '  status=$?',
  '  left=$((left - 1))',
  '  if [ "$left" = 0 ] || [ "$status" = 65 ] || [ "$status" = 66 ]; then',
  '    say "this machine cannot be readied"',
  '    exit 1',
  '  fi',
  '  say "this machine is not ready yet; once more in 30 seconds"',
  '  sleep 30',
  'done',
];

const admitUser = [
  `if id -u ${loginUser} >/dev/null 2>&1; then usermod -aG docker ${loginUser}; fi`,
  `mkdir -p ${readyMark.slice(0, readyMark.lastIndexOf('/'))}`,
  `: >${readyMark}`,
];

function renderFollowerBoot({ storage, spot }: FollowerBoot): string {
  const units = ['sparkplug-follow.service', ...(spot ? ['sparkplug-watch-notice.service'] : [])].join(' ');
  return lines(
    ...readyEngine,
    ...(storage ? [] : requireLabel),
    'if [ -d /run/systemd/system ]; then',
    '  systemctl daemon-reload',
    `  systemctl enable ${units}`,
    // Joining may take its time, and cloud-init is not to wait for it.
    `  systemctl start --no-block ${units}`,
    'else',
    ...(spot ? [`  setsid ${watchFile} >/var/log/sparkplug-watch-notice.log 2>&1 </dev/null &`] : []),
    `  ${followFile}`,
    'fi',
  );
}

/** A machine that joined without it would be given blocks, and lose them when it goes. */
const requireLabel = [
  `has_label() { docker info --format '{{json .Labels}}' | grep -qF '"${computeOnlyLabel}"'; }`,
  'if ! has_label && [ -d /run/systemd/system ]; then systemctl restart docker; fi',
  `has_label || { say "the engine does not take the label ${computeOnlyLabel}; not joining without it"; exit 1; }`,
];

const followUnit = lines(
  '[Unit]',
  'Description=Joins the SparkPlug cluster',
  'Wants=network-online.target docker.service',
  'After=network-online.target docker.service',
  `ConditionPathExists=!${joinedMark}`,
  '',
  '[Service]',
  'Type=oneshot',
  `ExecStart=${followFile}`,
  'StandardOutput=journal+console',
  'StandardError=journal+console',
  '',
  '[Install]',
  'WantedBy=multi-user.target',
);

const watchUnit = lines(
  '[Unit]',
  'Description=Notes when AWS takes this spot instance back',
  'Wants=docker.service',
  'After=docker.service',
  '',
  '[Service]',
  `ExecStart=${watchFile}`,
  'Restart=always',
  'RestartSec=5',
  'StandardOutput=journal+console',
  '',
  '[Install]',
  'WantedBy=multi-user.target',
);
