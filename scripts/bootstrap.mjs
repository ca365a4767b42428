// Readies a fresh clone, then runs a script with the pinned Node: `node scripts/bootstrap.mjs [SCRIPT [ARGS…]]`.
// Runs on Node 20 and imports nothing that npm installs before it has seen to it that npm did.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isNewEnough, oldestNode } from '../bin/oldest-node.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const pinnedNode = join(root, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node');
const registryFailure =
  /E(?:NOTFOUND|CONNREFUSED|CONNRESET|TIMEDOUT|AI_AGAIN|HOSTUNREACH|NETUNREACH)|ERR_SOCKET_TIMEOUT|network/;

function say(line) {
  process.stderr.write(`${line}\n`);
}

function stop(line, hint) {
  say(`error: ${line}`);
  say(`  fix: ${hint}`);
  process.exit(1);
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}

/** Why packages must be installed, null when node_modules is what package-lock.json says. npm writes its own record last. */
function findInstallCause() {
  const wanted = readJson(join(root, 'package-lock.json'));
  const present = readJson(join(root, 'node_modules', '.package-lock.json'));
  if (present === null) return 'first time here';
  for (const [path, entry] of Object.entries(wanted?.packages ?? {})) {
    if (path === '' || entry.optional) continue;
    if (present.packages?.[path]?.version !== entry.version) return 'package-lock.json changed';
  }
  return null;
}

function runQuietly(command, args) {
  return new Promise((resolve) => {
    let output = '';
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    const collect = (chunk) => {
      output += chunk;
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', (error) => resolve({ code: 127, output: String(error) }));
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

async function timed(name, work) {
  const startedAt = performance.now();
  say(`${name} …`);
  const value = await work();
  say(`${name}: ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  return value;
}

async function installPackages(cause) {
  const npm = process.env.npm_execpath;
  const [command, before] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  // Not `npm ci`: where a registry lacks the optional packages of other platforms, it refuses a lock file without them.
  // This installs the lock file's versions all the same and leaves it as it is.
  const args = [...before, 'install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'];
  const { code, output } = await timed(`npm packages (${cause})`, () => runQuietly(command, args));
  if (code === 0 && findInstallCause() === null) return;
  say(output.trimEnd().split('\n').slice(-20).join('\n'));
  if (code === 127) stop('npm is not installed', 'apt-get install npm');
  if (registryFailure.test(output)) {
    stop('the npm registry cannot be reached', 'check the network, `npm config get registry` and the proxy settings');
  }
  stop(`npm install failed with exit code ${code}`, 'see its output above');
}

async function buildPrograms() {
  const { build, isBuildNeeded } = await import('./build.mjs');
  if (!isBuildNeeded()) return;
  try {
    await timed('build dist/', build);
  } catch (error) {
    stop(`the build failed: ${error.message}`, 'correct the sources named above');
  }
}

function chooseNode() {
  if (existsSync(pinnedNode)) return pinnedNode;
  if (isNewEnough(process.versions.node)) return process.execPath;
  return stop(
    `Node ${oldestNode} or later is needed; this is ${process.versions.node} and npm installed none for ${process.platform} ${process.arch}`,
    `install Node ${oldestNode} or later, or run \`npm install\` without --omit=optional`,
  );
}

function runScript(script, args) {
  const flags = ['--disable-warning=ExperimentalWarning', '--experimental-strip-types'];
  const child = spawn(chooseNode(), [...flags, join(root, script), ...args], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    // A terminal sends Ctrl-C to the whole process group, so the child has it already.
    process.on(signal, () => (signal === 'SIGINT' && process.stdin.isTTY ? undefined : child.kill(signal)));
  }
  child.on('error', (error) => stop(`${script} does not start: ${error.message}`, 'npm install'));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

const [script, ...args] = process.argv.slice(2);
if (Number.parseInt(process.versions.node, 10) < 20) {
  stop(`Node 20 or later is needed; this is ${process.versions.node}`, 'install a newer Node');
}
const cause = findInstallCause();
if (cause !== null) await installPackages(cause);
await buildPrograms();
if (script !== undefined) runScript(script, args);
