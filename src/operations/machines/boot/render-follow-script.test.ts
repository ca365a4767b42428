import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { cutJoinOrder } from './join-parameters.ts';
import { renderFollowScript } from './render-follow-script.ts';

/** What AWS Systems Manager says to one request: parameters by the last segment of their names, or a refusal. */
type Answer =
  | { readonly values: Readonly<Record<string, string>>; readonly more?: string }
  | { readonly refused: string };

interface Scene {
  /** The last one is given for ever. */
  readonly answers: readonly Answer[];
  /** What the engine says of its Swarm after an attempt that failed. */
  readonly state?: string;
  readonly profile?: boolean;
  readonly joined?: boolean;
}

const secrets = ['the-session', 'AKIDEXAMPLE', 'the/secret+key', 'the-security-token'];

/** Runs the script with a curl that plays both services, an engine that notes, and a clock that only sleeping moves. */
function runScript({ answers, state = 'inactive', profile = true, joined = false }: Scene) {
  const folder = mkdtempSync(join(tmpdir(), 'sparkplug-follow-'));
  const program = (name: string, ...lines: readonly string[]) => {
    writeFileSync(join(folder, name), `${['#!/bin/sh', ...lines].join('\n')}\n`);
    chmodSync(join(folder, name), 0o755);
  };
  try {
    answers.forEach((answer, index) => {
      const body =
        'refused' in answer
          ? { __type: answer.refused }
          : {
              Parameters: Object.entries(answer.values).map(([name, value]) => ({
                Name: `/p/join/${name}`,
                Value: value,
              })),
              ...(answer.more === undefined ? {} : { NextToken: answer.more }),
            };
      writeFileSync(join(folder, `answer-${index}`), JSON.stringify(body));
      writeFileSync(join(folder, `code-${index}`), 'refused' in answer ? '22' : '0');
    });
    const credentials = { AccessKeyId: secrets[1], SecretAccessKey: secrets[2], Token: secrets[3] };
    program(
      'curl',
      'echo "$*" >>"$SCENE/commands"',
      'case "$*" in *--config*) cat >>"$SCENE/settings" ;; esac',
      'case "$*" in',
      `  *api/token*) printf '%s' ${secrets[0]} ;;`,
      profile ? `  */security-credentials/) printf role ;;` : `  */security-credentials/) exit 22 ;;`,
      `  */security-credentials/role*) printf '%s' '${JSON.stringify(credentials)}' ;;`,
      '  *) number=$(cat "$SCENE/asked" 2>/dev/null || echo 0)',
      `     [ "$number" -lt ${answers.length} ] || number=${answers.length - 1}`,
      '     echo $((number + 1)) >"$SCENE/asked"',
      '     cat "$SCENE/answer-$number"; exit "$(cat "$SCENE/code-$number")" ;;',
      'esac',
    );
    program('docker', 'echo "docker $*" >>"$SCENE/commands"', `case "$*" in *LocalNodeState*) echo ${state} ;; esac`);
    program('sleep', 'echo "sleep $1" >>"$SCENE/commands"', 'echo $(($(date) + $1)) >"$SCENE/clock"');
    program('date', 'cat "$SCENE/clock" 2>/dev/null || echo 1000');
    const mark = join(folder, 'lib', 'joined');
    if (joined) spawnSync('mkdir', ['-p', mark]);
    const { status, stdout, stderr } = spawnSync('sh', ['-s'], {
      input: renderFollowScript({ region: 'eu-central-1', parameter: '/p/join', endpoint: null }).replaceAll(
        '/var/lib/sparkplug',
        join(folder, 'lib'),
      ),
      encoding: 'utf8',
      env: { PATH: `${folder}:/usr/bin:/bin`, SCENE: folder },
    });
    const read = (name: string) => (existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : '');
    return { status, stdout, stderr, commands: read('commands'), settings: read('settings'), marked: existsSync(mark) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const takes: Answer = { values: cutJoinOrder('docker swarm join --token T') };
const refuses = (code: number, reason: string): Answer => ({
  values: cutJoinOrder(`echo "${reason}" >&2\nexit ${code}`),
});
const nothing: Answer = { values: {} };

test('the order is read by the instance profile and run; nothing secret is in a command line', () => {
  const { status, commands, settings, stdout, stderr, marked } = runScript({ answers: [takes] });
  assert.deepEqual([status, stderr, marked], [0, '', true]);
  assert.match(stdout, /in the cluster/);
  assert.match(commands, /^docker swarm join --token T$/m);
  assert.match(
    commands,
    /--aws-sigv4 aws:amz:eu-central-1:ssm .*GetParametersByPath.*"Path":"\/p\/join".* https:\/\/ssm\.eu-central-1\.amazonaws\.com\/$/m,
  );
  for (const secret of secrets) assert.ok(!commands.includes(secret), secret);
  assert.match(
    settings,
    /^user = "AKIDEXAMPLE:the\/secret\+key"\nheader = "X-Amz-Security-Token: the-security-token"$/m,
  );
  assert.match(settings, /^header = "X-aws-ec2-metadata-token: the-session"$/m);
});

test('an order of several answers is put together', () => {
  const { '1': first = '', count = '' } = cutJoinOrder('docker swarm join --token T');
  const { status, commands } = runScript({
    answers: [{ values: { '1': first }, more: 'page "2"' }, { values: { count } }],
  });
  assert.equal(status, 0);
  assert.match(commands, /"NextToken": "page \\"2\\""/);
});

test('an order that is not there yet, half written or of another reader is waited for, with longer and longer pauses', () => {
  const { count = '', ...old } = cutJoinOrder('docker swarm join --token OLD');
  const mixed: Answer = { values: { ...old, count: cutJoinOrder('docker swarm join --token NEW').count ?? '' } };
  const refused: Answer = { refused: 'AccessDeniedException' };
  const { status, stdout, commands } = runScript({ answers: [nothing, { values: { count } }, mixed, refused, takes] });
  assert.equal(status, 0);
  assert.deepEqual(commands.match(/^sleep \d+$/gm), ['sleep 5', 'sleep 10', 'sleep 20', 'sleep 30']);
  assert.match(stdout, /no join order yet/);
  assert.match(stdout, /refuses the join order: .*AccessDeniedException/);
  assert.doesNotMatch(commands, /OLD|NEW/);
});

test('a refused token is read anew', () => {
  const { status, stdout, commands } = runScript({ answers: [refuses(5, 'invalid join token'), takes] });
  assert.equal(status, 0);
  assert.match(stdout, /cannot join yet: invalid join token/);
  assert.match(commands, /swarm join --token T/);
});

test('an attempt that hangs in the background is given up before the next one', () => {
  const { status, commands } = runScript({ answers: [refuses(4, 'another Swarm (pending)'), takes], state: 'pending' });
  assert.equal(status, 0);
  assert.match(commands, /swarm leave --force[\s\S]*swarm join/);
});

test('a machine in another Swarm says so and stays there', () => {
  const { status, stdout, commands, marked } = runScript({
    answers: [refuses(4, 'in another Swarm')],
    state: 'active',
  });
  assert.deepEqual([status, marked], [4, false]);
  assert.match(stdout, /in another Swarm/);
  assert.doesNotMatch(commands, /leave|sleep/);
});

test('a machine that has joined asks for nothing again', () => {
  const { status, commands } = runScript({ answers: [nothing], joined: true });
  assert.deepEqual([status, commands], [0, '']);
});

test('half an hour without an order ends it, and the reason is said once', () => {
  const { status, stdout, commands } = runScript({ answers: [nothing], profile: false });
  assert.equal(status, 1);
  const slept = (commands.match(/(?<=^sleep )\d+$/gm) ?? []).reduce((sum, text) => sum + Number(text), 0);
  assert.ok(slept >= 1800 && slept < 1840, String(slept));
  assert.equal(stdout.match(/no instance profile/g)?.length, 2);
  assert.match(stdout, /gave up after 30 minutes/);
});
