// JoinOrder → the script that makes a machine a worker of the Swarm; pure. The same for SSH, cloud-init and by hand.

type Registry = NonNullable<JoinOrder['registry']>;

export interface JoinOrder {
  /** Where the Swarm's manager listens: `10.0.0.5:2377`. */
  readonly managerAddress: string;
  readonly token: string;
  /** Where the machine gets its images from; null: from nowhere but its own engine. */
  readonly registry: {
    /** `10.0.0.5:5000` */
    readonly address: string;
    /** PEM text. */
    readonly caCertificate: string;
    readonly user: string;
    readonly password: string;
  } | null;
}

/**
 * POSIX sh for root of a machine with a running Docker Engine. Run twice it changes nothing. Exit codes: 0 in this Swarm,
 * 3 the engine does not answer, 4 the machine is in another Swarm, 5 the Swarm does not take it, else what Docker gave. The password and the token are
 * in no command line: `docker login` reads standard input, and the script itself is what carries both.
 */
export function renderJoinScript({ managerAddress, token, registry }: JoinOrder): string {
  return [
    'set -eu',
    'umask 022',
    `manager=${quote(managerAddress)}`,
    ...requireEngine,
    ...(registry === null ? [] : trustRegistry(registry)),
    ...join(token),
    '',
  ].join('\n');
}

const requireEngine = [
  'if ! docker info >/dev/null 2>&1; then',
  `  echo 'the Docker engine of this machine does not answer' >&2`,
  '  exit 3',
  'fi',
];

/** Lets a machine's engine believe the registry before that runs; the rest of joining does not need it. */
export function renderTrustScript(registry: Pick<Registry, 'address' | 'caCertificate'>): string {
  return ['set -eu', 'umask 022', ...installCertificate(registry), ''].join('\n');
}

function installCertificate({
  address,
  caCertificate,
}: Pick<Registry, 'address' | 'caCertificate'>): readonly string[] {
  const folder = quote(`/etc/docker/certs.d/${address}`);
  return [
    `mkdir -p ${folder}`,
    // Whole or not at all: the engine may read it at any moment.
    `printf '%s\\n' ${quote(caCertificate.trim())} >${folder}/ca.crt.new`,
    `mv ${folder}/ca.crt.new ${folder}/ca.crt`,
  ];
}

function trustRegistry(registry: Registry): readonly string[] {
  return [
    ...installCertificate(registry),
    // A here-document, since printf is a program of its own in some shells and would show the password.
    `docker login --username ${quote(registry.user)} --password-stdin ${quote(registry.address)} >/dev/null <<'${end}'`,
    registry.password,
    end,
  ];
}

const end = 'END_OF_PASSWORD';

function join(token: string): readonly string[] {
  return [
    `state=$(docker info --format '{{.Swarm.LocalNodeState}}')`,
    `managers=$(docker info --format '{{range .Swarm.RemoteManagers}}{{.Addr}} {{end}}')`,
    'case "$state" in',
    '  inactive) ;;',
    '  *)',
    '    case " $managers" in',
    '      *" $manager "*)',
    '        echo "already in the Swarm of $manager"',
    '        exit 0 ;;',
    '    esac',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is for sh
    '    echo "this machine is in another Swarm ($state, of ${managers:-nobody}); leave it first: docker swarm leave" >&2',
    '    exit 4 ;;',
    'esac',
    `if ! docker swarm join --token ${quote(token)} "$manager"; then`,
    `  echo "this machine could not join $manager; where the token is refused, a new line helps: sparkplug machine join-command" >&2`,
    '  exit 5',
    'fi',
  ];
}

/** For sh: nothing inside is expanded. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
