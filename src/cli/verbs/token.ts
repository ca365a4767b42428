import { type Command, InvalidArgumentError, Option } from 'commander';
import { Scope } from '../../api/schemas.ts';
import {
  addToken as addTokenToCluster,
  listTokens,
  revokeToken,
  rotateToken,
  type StoredToken,
  showToken,
} from '../../operations/token.ts';
import { formatDuration, parseDurationMs } from '../../units.ts';
import { formatTable, formatTime } from '../format.ts';
import { projectChoice } from '../project-choice.ts';
import type { Shell } from '../shell.ts';
import { type Act, withExamples } from '../verb.ts';

interface AddOptions {
  readonly scope: Scope;
  readonly expires?: number;
  readonly print: boolean;
}

interface RotateOptions {
  readonly print: boolean;
}

const printFlag = ['--print', 'print the token instead of storing it in a file', false] as const;

export function addToken(program: Command, act: Act): void {
  const token = program.command('token').description('who may use the REST API and the dashboard');
  withExamples(token, 'sparkplug token add ci --scope run --expires 30d', 'sparkplug token rotate');
  addList(token, act);
  addAdd(token, act);
  addRevoke(token, act);
  addRotate(token, act);
  addShow(token, act);
}

function addList(token: Command, act: Act): void {
  const list = token.command('list', { isDefault: true }).description('names and scopes; never the tokens themselves');
  withExamples(list, 'sparkplug token list').action(
    act(async ({ shell }) => {
      const tokens = await listTokens(projectChoice(shell), shell.signal);
      if (shell.json) shell.printJson({ tokens });
      else {
        const rows = tokens.map(({ name, scope, createdAt, lastUsedAt, expiresAt }) => [
          name,
          scope,
          formatTime(createdAt),
          lastUsedAt === null ? 'never' : formatTime(lastUsedAt),
          expiresAt === null ? 'never' : formatTime(expiresAt),
        ]);
        shell.print(formatTable(['TOKEN', 'SCOPE', 'CREATED', 'LAST USED', 'EXPIRES'], rows));
      }
      return 0;
    }),
  );
}

function addAdd(token: Command, act: Act): void {
  const add = token
    .command('add')
    .description('make a token and store it in a file of your own')
    .argument('<name>', 'small letters, digits, `.`, `_` and `-`')
    .addOption(new Option('--scope <scope>', 'what it may do').choices([...Scope.options]).makeOptionMandatory())
    .option('--expires <duration>', 'how long it is valid, such as 12h or 30d; without it for ever', parseDuration)
    .option(...printFlag);
  withExamples(
    add,
    'sparkplug token add dashboard --scope read',
    'sparkplug token add ci --scope run --expires 30d',
  ).action(
    act<AddOptions>(async ({ shell, options, args: [name = ''] }) => {
      const { scope, expires, print } = options;
      const request = { scope, validMs: expires ?? null, print, signal: shell.signal };
      printStored(shell, await addTokenToCluster(projectChoice(shell), name, request));
      return 0;
    }),
  );
}

function addRevoke(token: Command, act: Act): void {
  const revoke = token
    .command('revoke')
    .description('end a token and every log-in that it began')
    .argument('<name>', 'name of the token');
  withExamples(revoke, 'sparkplug token revoke ci').action(
    act(async ({ shell, args: [name = ''] }) => {
      await revokeToken(projectChoice(shell), name, shell.signal);
      if (shell.json) shell.printJson({ name, revoked: true });
      else shell.print(`token ${name} is revoked`);
      return 0;
    }),
  );
}

function addRotate(token: Command, act: Act): void {
  const rotate = token
    .command('rotate')
    .description('replace a token by a new one; without a name the one that this command line uses')
    .argument('[name]', 'name of the token')
    .option(...printFlag);
  withExamples(rotate, 'sparkplug token rotate', 'sparkplug token rotate ci').action(
    act<RotateOptions>(async ({ shell, options, args: [name = null] }) => {
      const rotated = await rotateToken(projectChoice(shell), name, { ...options, signal: shell.signal });
      if (!('own' in rotated)) printStored(shell, rotated);
      else if (shell.json) shell.printJson({ name: rotated.own, rotated: true });
      else shell.print(`token ${rotated.own} is new, and this command line uses it`);
      return 0;
    }),
  );
}

function addShow(token: Command, act: Act): void {
  const show = token.command('show').description("print the project's own token");
  withExamples(
    show,
    'curl -H "Authorization: Bearer $(sparkplug token show)" http://127.0.0.1:8080/api/v1/runs',
  ).action(
    act(async ({ shell }) => {
      const text = await showToken(projectChoice(shell));
      if (shell.json) shell.printJson({ token: text });
      else shell.print(text);
      return 0;
    }),
  );
}

/** The token stands alone on standard output where it was asked for, so that it can be piped. */
function printStored(shell: Shell, { info, file, token }: StoredToken): void {
  const { name, scope, expiresAt } = info;
  if (shell.json) shell.printJson({ name, scope, expiresAt, file, ...(token === null ? {} : { token }) });
  else if (token !== null) shell.print(token);
  else {
    const until = expiresAt === null ? '' : `, until ${formatTime(expiresAt)}`;
    shell.print(`token ${name} (${scope}${until}) is in ${file}`);
  }
}

const longestMs = 100 * 365 * 86_400_000;

function parseDuration(text: string): number {
  const durationMs = parseDurationMs(text);
  if (durationMs !== null && durationMs >= 1000 && durationMs <= longestMs) return durationMs;
  throw new InvalidArgumentError(`It looks like 12h or 30d, ${formatDuration(longestMs)} at most.`);
}
