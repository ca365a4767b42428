// The command line's entry: arguments in, exit code out.
import { runCommandLine } from './run-command-line.ts';

// `sparkplug logs | head` closes the pipe early, which is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = await runCommandLine(process.argv.slice(2));
// Sockets kept alive for the next request must not keep the program.
process.exit();
