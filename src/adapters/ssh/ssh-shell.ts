// A shell on a machine over SSH, by the user's own OpenSSH client: its keys, its agent, its configuration.
import { execa } from 'execa';
import { SparkPlugError } from '../../errors.ts';
import { type MachineShell, type ShellOptions, type ShellResult, wrapScript } from '../machine-shell.ts';

export interface SshTarget {
  /** `user@host` or `host`, as OpenSSH takes it; an alias of `~/.ssh/config` works as well. */
  readonly destination: string;
  readonly port: number | null;
  /** Private key; null: whatever OpenSSH finds. */
  readonly identityFile: string | null;
  /** Files of known hosts; the first takes keys that the user has accepted here. */
  readonly knownHosts: readonly string[];
}

/** OpenSSH's own failures, as `ssh(1)` says: everything else is the remote command's exit code. */
const sshFailed = 255;
/** Told apart from the script's own codes. */
const noSudo = 98;
const connectTimeoutSeconds = 15;

/** Becomes root, then reads the script from standard input. Only `sudo` without a password is of use here. */
const asRoot =
  'if [ "$(id -u)" = 0 ]; then exec sh -s; fi; ' +
  // The one variable that scripts ask for; sudo keeps none.
  `if sudo -n true 2>/dev/null; then exec sudo -n env SSH_CONNECTION="$SSH_CONNECTION" sh -s; fi; exit ${noSudo}`;

/**
 * The shell of a machine that is reached over SSH. Nothing is asked: a host key that is not known, or not the known one,
 * is refused.
 * @throws SparkPlugError (by `run`) SSH_UNREACHABLE, SSH_REFUSED, HOST_KEY_UNKNOWN, HOST_KEY_CHANGED, SUDO_MISSING
 */
export function createSshShell(target: SshTarget, program = 'ssh'): MachineShell {
  return {
    run: async (script, { input, signal }: ShellOptions = {}) => {
      const body = input === undefined ? wrapScript(script) : withInput(script, input);
      const result = await execa(program, [...sshArguments(target), target.destination, asRoot], {
        reject: false,
        input: body,
        env: { LC_ALL: 'C' },
        ...(signal === undefined ? {} : { cancelSignal: signal }),
      });
      signal?.throwIfAborted();
      if (result.code === 'ENOENT') {
        throw new SparkPlugError('SSH_UNREACHABLE', 'this computer has no OpenSSH client', {
          met: program,
          hint: 'apt-get install openssh-client',
        });
      }
      const answer: ShellResult = {
        stdout: result.stdout,
        stderr: result.stderr,
        exitCode: result.exitCode ?? sshFailed,
      };
      if (answer.exitCode === sshFailed) throw explainSshFailure(target.destination, answer.stderr);
      if (answer.exitCode === noSudo) throw withoutSudo(target.destination);
      return answer;
    },
  };
}

export function sshArguments({ port, identityFile, knownHosts }: SshTarget): readonly string[] {
  return [
    '-T',
    ...['-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=yes', '-o', `ConnectTimeout=${connectTimeoutSeconds}`],
    ...['-o', `UserKnownHostsFile=${knownHosts.map(quoteForSsh).join(' ')}`],
    ...['-o', 'ServerAliveInterval=15'],
    ...(port === null ? [] : ['-p', String(port)]),
    ...(identityFile === null ? [] : ['-i', identityFile, '-o', 'IdentitiesOnly=yes']),
  ];
}

function quoteForSsh(file: string): string {
  return `"${file}"`;
}

/** The script's own standard input follows it as a here-document, since both come through one pipe. */
function withInput(script: string, input: string): string {
  let end = 'END_OF_INPUT';
  while (input.split('\n').includes(end)) end += '_';
  return `{\n${script}\n} <<'${end}'\n${input}${input.endsWith('\n') ? '' : '\n'}${end}\n`;
}

/** What OpenSSH says when it fails, in the words of its source (readconf, sshconnect, auth). */
export function explainSshFailure(destination: string, stderr: string): SparkPlugError {
  const said = stderr.trim().split('\n').at(-1) ?? '';
  const facts = { place: destination, met: said };
  if (/REMOTE HOST IDENTIFICATION HAS CHANGED/.test(stderr)) {
    return new SparkPlugError('HOST_KEY_CHANGED', `${destination} shows another host key than the known one`, {
      place: destination,
      met: /(SHA256:\S+?)\.?$/m.exec(stderr)?.[1] ?? said,
      hint: `if the machine was installed anew: ssh-keygen -R ${hostOf(destination)}, then try again; else somebody stands in between`,
    });
  }
  if (/Host key verification failed|No .* host key is known/.test(stderr)) {
    return new SparkPlugError('HOST_KEY_UNKNOWN', `the host key of ${destination} is not known here`, {
      ...facts,
      hint: `compare it with what the machine shows (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then give it: --host-key SHA256:…`,
    });
  }
  if (/Permission denied|Too many authentication failures|no such identity/i.test(stderr)) {
    return new SparkPlugError('SSH_REFUSED', `${destination} does not let this user in`, {
      ...facts,
      hint: `ssh-copy-id ${destination}, or name a key: --identity FILE`,
    });
  }
  return new SparkPlugError('SSH_UNREACHABLE', `${destination} cannot be reached over SSH`, {
    ...facts,
    hint: `ssh ${destination} true must work first: check the name, the port (--port) and the firewall`,
  });
}

function withoutSudo(destination: string): SparkPlugError {
  return new SparkPlugError(
    'SUDO_MISSING',
    `the user of ${destination} is neither root nor allowed to sudo without a password`,
    {
      place: destination,
      hint: 'log in as root, or allow it there: echo "USER ALL=(ALL) NOPASSWD: ALL" > /etc/sudoers.d/sparkplug',
    },
  );
}

/** The host of `user@host`. */
export function hostOf(destination: string): string {
  return destination.slice(destination.lastIndexOf('@') + 1);
}
