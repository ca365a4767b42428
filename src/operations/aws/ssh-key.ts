// The SSH key by which the conductor's machine is reached: the user's own, or one made for the project.
import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { execa } from 'execa';
import type { Aws } from '../../adapters/ec2/ec2.ts';
import { pathExists } from '../../adapters/host/path-exists.ts';
import { makeKeyPair } from '../../adapters/ssh/make-key-pair.ts';
import { machineKeyFile } from '../../config/user-folder.ts';
import { SparkPlugError } from '../../errors.ts';
import { resourceName, tagsOf } from './tags.ts';

export interface KeyChoice {
  /** Key pair of the region; null: the project's own. */
  readonly key: string | null;
  /** Private half; null: the project's own, or with `key` whatever OpenSSH finds. */
  readonly identityFile: string | null;
}

export interface SshKey {
  /** Name of the key pair in the region. */
  readonly name: string;
  /** Null: whatever OpenSSH finds. */
  readonly identityFile: string | null;
}

/** What is known of the key from before. */
interface KnownKey {
  /** Key pair of the conductor that is there; null without one. */
  readonly conductorKey: string | null;
  /** Private half that an earlier command named; null: none. */
  readonly noted: string | null;
}

/** What is not asked for stays as it was: machines that are there let nobody else in. */
export async function settleKey(asked: KeyChoice, projectId: string, known: KnownKey): Promise<KeyChoice> {
  const { conductorKey, noted } = known;
  const isForeign = conductorKey !== null && conductorKey !== '' && conductorKey !== resourceName(projectId);
  return {
    key: asked.key ?? (isForeign ? conductorKey : null),
    identityFile: await settleIdentity(asked.identityFile, noted),
  };
}

/** The file that is named, or was; one that this computer does not have (any more) is none. */
export async function settleIdentity(asked: string | null, noted: string | null): Promise<string | null> {
  if (asked !== null) return resolve(asked);
  return noted !== null && (await pathExists(noted)) ? noted : null;
}

/**
 * The key of new machines. Without a choice a pair is made for the project, whose private half stays on this computer.
 * @throws SparkPlugError AWS_KEY_MISSING
 */
export async function ensureKey(aws: Pick<Aws, 'ec2'>, projectId: string, choice: KeyChoice): Promise<SshKey> {
  if (choice.key !== null) {
    if (choice.identityFile !== null) await readPublicHalf(choice.identityFile);
    return { name: choice.key, identityFile: choice.identityFile };
  }
  const name = resourceName(projectId);
  const identityFile = choice.identityFile ?? machineKeyFile(projectId);
  const isThere = await aws.ec2.hasKeyPair(name);
  if (choice.identityFile === null && !(await pathExists(identityFile))) {
    // Machines that have its public half would not let us in.
    if (isThere) throw lostKey(name, identityFile);
    await mkdir(dirname(identityFile), { recursive: true, mode: 0o700 });
    await makeKeyPair(identityFile, name);
  }
  const publicKey = await readPublicHalf(identityFile);
  if (!isThere) await aws.ec2.importKeyPair(name, publicKey, tagsOf(projectId, 'access'));
  return { name, identityFile };
}

/** Before anything is made. @throws SparkPlugError AWS_KEY_MISSING */
export async function checkKey(aws: Pick<Aws, 'ec2'>, { key, identityFile }: KeyChoice): Promise<void> {
  if (identityFile !== null) await readPublicHalf(identityFile);
  if (key === null || (await aws.ec2.hasKeyPair(key))) return;
  throw new SparkPlugError('AWS_KEY_MISSING', 'the region has no key pair of this name', {
    place: '--key',
    met: key,
    hint: 'aws ec2 describe-key-pairs lists them; without --key one is made for the project',
  });
}

/** The project's own private key, null where this computer has none. */
export async function findSshKey(projectId: string): Promise<string | null> {
  const file = machineKeyFile(projectId);
  return (await pathExists(file)) ? file : null;
}

export async function forgetSshKey(projectId: string): Promise<void> {
  const file = machineKeyFile(projectId);
  await Promise.all([rm(file, { force: true }), rm(`${file}.pub`, { force: true })]);
}

/** As OpenSSH itself reads it from the private half. */
async function readPublicHalf(file: string): Promise<string> {
  const { exitCode, stdout, stderr } = await execa('ssh-keygen', ['-y', '-P', '', '-f', file], { reject: false });
  if (exitCode === 0) return stdout.trim();
  // One with a passphrase has its public half beside it.
  const beside = await readFile(`${file}.pub`, 'utf8').catch(() => null);
  if (beside !== null) return beside.trim();
  throw new SparkPlugError('AWS_KEY_MISSING', 'this file is no private SSH key that can be used', {
    place: '--identity',
    met: `${file}: ${stderr.trim().split('\n').at(-1) ?? ''}`,
    hint: 'ssh-keygen -t ed25519 -f FILE makes one; without --identity one is made for the project',
  });
}

function lostKey(name: string, file: string): SparkPlugError {
  return new SparkPlugError('AWS_KEY_MISSING', "the private half of the project's key is not on this computer", {
    place: file,
    met: `key pair ${name}`,
    hint: 'copy it from the computer that made it, or take the project over: sparkplug aws up --take-over PROJECT-ID',
  });
}
