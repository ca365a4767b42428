// The command line's entry: arguments in, exit code out.
import { runCommandLine } from './run-command-line.ts';
import { surviveUnreadOutput } from './unread-output.ts';

surviveUnreadOutput(process, (code) => process.exit(code));

process.exitCode = await runCommandLine(process.argv.slice(2));
// Sockets kept alive for the next request must not keep the program.
process.exit();
