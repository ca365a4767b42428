#!/usr/bin/env node
// Starts the command line: here when Node is new enough, else with the Node that npm installed beside this package.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { isNewEnough, oldestNode } from './oldest-node.js';

const program = new URL('../dist/cli.js', import.meta.url);

function findPinnedNode() {
  const require = createRequire(import.meta.url);
  try {
    return require.resolve(`node-${process.platform}-${process.arch}/bin/node`);
  } catch {
    return null;
  }
}

function stop(code, message, hint) {
  process.stderr.write(`error ${code}: ${message}\n  fix: ${hint}\n`);
  process.exit(2);
}

function startWith(node) {
  const args = ['--disable-warning=ExperimentalWarning', fileURLToPath(program), ...process.argv.slice(2)];
  const child = spawn(node, args, { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    // A terminal sends Ctrl-C to the whole process group, so the child has it already.
    process.on(signal, () => (signal === 'SIGINT' && process.stdin.isTTY ? undefined : child.kill(signal)));
  }
  child.on('error', (error) =>
    stop('NODE_TOO_OLD', `the Node at ${node} does not start: ${error.message}`, 'npm install'),
  );
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

if (!existsSync(program)) {
  stop('NOT_BUILT', 'dist/cli.js is missing: this copy of SparkPlug is not built yet', 'npm run build');
} else if (isNewEnough(process.versions.node)) {
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    if (warning.name !== 'ExperimentalWarning') process.stderr.write(`${warning.name}: ${warning.message}\n`);
  });
  await import(program.href);
} else {
  const node = findPinnedNode();
  if (node === null) {
    const needs = `SparkPlug needs Node ${oldestNode} or later; this is ${process.versions.node} on ${process.platform} ${process.arch}`;
    stop('NODE_TOO_OLD', needs, `install Node ${oldestNode} or later, or run \`npm install\` without --omit=optional`);
  } else {
    startWith(node);
  }
}
