// A key pair of OpenSSH's, made by its own program.
import { readFile } from 'node:fs/promises';
import { execa } from 'execa';
import { SparkPlugError } from '../../errors.ts';

/** Writes `file` (mode 0600) and `file.pub`; resolves with the public half. @throws SparkPlugError SSH_UNREACHABLE without OpenSSH */
export async function makeKeyPair(file: string, comment: string): Promise<string> {
  const { exitCode, stderr, code } = await execa(
    'ssh-keygen',
    ['-q', '-t', 'ed25519', '-N', '', '-C', comment, '-f', file],
    { reject: false, stdin: 'ignore' },
  );
  if (exitCode !== 0) {
    throw new SparkPlugError('SSH_UNREACHABLE', 'ssh-keygen makes no key', {
      met: code ?? stderr.trim(),
      hint: 'apt-get install openssh-client',
    });
  }
  return (await readFile(`${file}.pub`, 'utf8')).trim();
}
