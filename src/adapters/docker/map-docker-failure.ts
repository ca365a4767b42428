// What the docker client says when it fails, to our codes. The only place that reads its words: it has no other way to tell.
import { type ErrorCode, SparkPlugError } from '../../errors.ts';

interface Rule {
  readonly code: ErrorCode;
  readonly pattern: RegExp;
  /** Only for commands that talk to a registry; the same words mean something else elsewhere. */
  readonly registryOnly?: true;
  readonly message: string;
  readonly hint: string;
}

const rules: readonly Rule[] = [
  {
    code: 'DOCKER_NOT_PERMITTED',
    pattern: /permission denied while trying to connect|dial unix [^:]*: connect: permission denied/i,
    message: 'this user may not use the Docker engine',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is for the user's shell
    hint: 'sudo usermod -aG docker "${USER}" and log in again, or run the command as root',
  },
  {
    code: 'DOCKER_CONTEXT_MISSING',
    pattern: /context "?[^"]*"?:? (?:is )?not found|context not found/i,
    message: 'the Docker context does not exist',
    hint: 'docker context ls; sparkplug … --context default',
  },
  {
    code: 'DOCKER_NOT_RUNNING',
    pattern:
      /cannot connect to the docker daemon|failed to connect to the docker API|is the docker daemon running|error during connect/i,
    message: 'the Docker engine does not answer',
    hint: 'sparkplug doctor --fix starts a local one; for another check DOCKER_HOST and `docker context ls`',
  },
  {
    code: 'DOCKER_TOO_OLD',
    pattern: /client version [\d.]+ is too (?:new|old)/i,
    message: 'the docker client and the engine are too far apart in age',
    hint: 'upgrade the older of the two (docker version)',
  },
  {
    code: 'DISK_FULL',
    pattern: /no space left on device|disk quota exceeded/i,
    message: "the disk of Docker's data folder is full",
    hint: 'docker system df; docker system prune',
  },
  {
    code: 'SWARM_UNUSABLE',
    pattern: /not a swarm manager|swarm is encrypted and needs to be unlocked|swarm does not have a leader/i,
    message: 'the Swarm of this engine cannot be used',
    hint: 'sparkplug doctor',
  },
  {
    code: 'REGISTRY_UNAUTHORIZED',
    registryOnly: true,
    pattern:
      /unauthorized|no basic auth credentials|authentication required|access denied|access to the resource is denied|403 forbidden/i,
    message: 'the registry refuses',
    hint: 'docker login with a user that may do this',
  },
  {
    code: 'IMAGE_MISSING',
    registryOnly: true,
    pattern: /manifest unknown|manifest for \S+ not found|repository \S+ not found|: not found|name unknown/i,
    message: 'the registry does not have the image',
    hint: 'push it first: sparkplug images push',
  },
  {
    code: 'IMAGE_MISSING',
    pattern: /no such image|image \S+ does not exist|image does not exist/i,
    message: 'the image is not on this engine',
    hint: 'sparkplug images build',
  },
  {
    code: 'REGISTRY_UNREACHABLE',
    registryOnly: true,
    pattern:
      /dial tcp|lookup \S+|no such host|connection refused|timeout|TLS handshake|x509:|tls:|server gave HTTP response|request canceled|network is unreachable|unexpected EOF|connection reset|\b50[0234]\b/i,
    message: 'the registry cannot be reached',
    hint: 'check its name, the network, and that the engine trusts its certificate (/etc/docker/certs.d/HOST/ca.crt)',
  },
];

const registryCommands = new Set(['pull', 'push', 'login', 'manifest']);

/** The last lines say what went wrong; before them stands progress. */
function summarize(text: string): string {
  const lines = text
    .split('\n')
    .map((line) => line.replace(/^(?:Error response from daemon|ERROR|Error): /i, '').trim())
    .filter((line) => line !== '' && !line.startsWith("Run 'docker") && !line.startsWith('See '));
  return lines.slice(-3).join('; ');
}

/** The error of a docker client that failed: `args` as it was called, `text` what it printed. */
export function mapDockerFailure(args: readonly string[], text: string, context: string | null): SparkPlugError {
  const command = args.filter((arg) => !arg.startsWith('-'))[0] ?? '';
  const rule = rules.find(
    ({ pattern, registryOnly }) => pattern.test(text) && (registryOnly !== true || registryCommands.has(command)),
  );
  const said = summarize(text);
  if (rule === undefined) {
    return new SparkPlugError('DOCKER_FAILED', `docker ${command} failed: ${said || 'without a word'}`, {
      hint: 'sparkplug doctor',
    });
  }
  const where = context === null ? {} : { place: `context ${context}` };
  return new SparkPlugError(rule.code, said === '' ? rule.message : `${rule.message}: ${said}`, {
    ...where,
    hint: rule.hint,
  });
}

/** True where the text tells of something that is not there: for the calls to which that is an answer. */
export function saysMissing(text: string): boolean {
  return /no such|not found|nothing found in stack|does not exist/i.test(text);
}

/** True where the engine belongs to no Swarm at all; a worker of one, or a locked manager, says something else. */
export function saysNoSwarm(text: string): boolean {
  return /not a swarm manager\. Use "docker swarm init"/i.test(text);
}

/** True where the text tells of something that is there already. */
export function saysExists(text: string): boolean {
  return /already exists/i.test(text);
}

/** True where the text tells of something that is still needed. */
export function saysInUse(text: string): boolean {
  return /conflict|is in use|being used|using its referenced|has dependent child/i.test(text);
}
