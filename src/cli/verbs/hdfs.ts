import type { Command } from 'commander';
import { getFiles, listFiles, measureUsage, putFiles, removeFile } from '../../operations/hdfs.ts';
import { formatBytes, formatTable, formatTime } from '../format.ts';
import { projectChoice } from '../project-choice.ts';
import { type Act, withExamples } from '../verb.ts';

interface CopyOptions {
  readonly overwrite: boolean;
}

interface RemoveOptions {
  readonly recursive: boolean;
}

export function addHdfs(program: Command, act: Act): void {
  const hdfs = program.command('hdfs').description('files of the cluster, streamed through its one port');
  withExamples(hdfs, 'sparkplug hdfs ls /', 'sparkplug hdfs put data /data', 'sparkplug hdfs get /results/x .');
  addList(hdfs, act);
  addPut(hdfs, act);
  addGet(hdfs, act);
  addRemove(hdfs, act);
  addUsage(hdfs, act);
}

function addList(hdfs: Command, act: Act): void {
  const command = hdfs.command('ls').description('what is in a folder').argument('[path]', 'absolute path', '/');
  withExamples(command, 'sparkplug hdfs ls /data').action(
    act(async ({ shell, args: [path = '/'] }) => {
      const entries = await listFiles(projectChoice(shell), path, shell.signal);
      if (shell.json) shell.printJson({ path, entries });
      else if (entries.length === 0) shell.print(`${path} is empty`);
      else {
        const rows = entries.map((entry) => [
          entry.kind,
          entry.kind === 'file' ? formatBytes(entry.bytes) : '',
          entry.kind === 'file' ? String(entry.replication) : '',
          entry.owner,
          formatTime(entry.modifiedAt),
          entry.path,
        ]);
        shell.print(formatTable(['KIND', 'SIZE', 'COPIES', 'OWNER', 'CHANGED', 'PATH'], rows));
      }
      return 0;
    }),
  );
}

function addPut(hdfs: Command, act: Act): void {
  const command = hdfs
    .command('put')
    .description('copy a local file or folder into HDFS')
    .argument('<local>', 'file or folder')
    .argument('<path>', 'absolute path in HDFS; an existing folder or a final / means: into it')
    .option('--overwrite', 'replace files that exist', false);
  withExamples(
    command,
    'sparkplug hdfs put purchases.parquet /data/',
    'sparkplug hdfs put data /data --overwrite',
  ).action(
    act<CopyOptions>(async ({ shell, options, args: [local = '', path = ''] }) => {
      const { report, signal } = shell;
      const copied = await putFiles(projectChoice(shell), local, path, { ...options, report, signal });
      if (shell.json) shell.printJson(copied);
      else shell.print(`${copied.files} files, ${formatBytes(copied.bytes)} → ${copied.path}`);
      return 0;
    }),
  );
}

function addGet(hdfs: Command, act: Act): void {
  const command = hdfs
    .command('get')
    .description('copy a file or folder out of HDFS')
    .argument('<path>', 'absolute path in HDFS')
    .argument('[local]', 'file or folder; an existing folder means: into it', '.')
    .option('--overwrite', 'replace files that exist', false);
  withExamples(command, 'sparkplug hdfs get /results/predictions out').action(
    act<CopyOptions>(async ({ shell, options, args: [path = '', local = '.'] }) => {
      const { report, signal } = shell;
      const copied = await getFiles(projectChoice(shell), path, local, { ...options, report, signal });
      if (shell.json) shell.printJson(copied);
      else shell.print(`${copied.files} files, ${formatBytes(copied.bytes)} → ${copied.path}`);
      return 0;
    }),
  );
}

function addRemove(hdfs: Command, act: Act): void {
  const command = hdfs
    .command('rm')
    .description('remove a file, or with -r a folder and all in it')
    .argument('<path>', 'absolute path')
    .option('-r, --recursive', 'folders too', false);
  withExamples(command, 'sparkplug hdfs rm -r /data/old').action(
    act<RemoveOptions>(async ({ shell, options, args: [path = ''] }) => {
      await removeFile(projectChoice(shell), path, { ...options, signal: shell.signal });
      if (shell.json) shell.printJson({ removed: path });
      else shell.print(`removed ${path}`);
      return 0;
    }),
  );
}

function addUsage(hdfs: Command, act: Act): void {
  const command = hdfs
    .command('du')
    .description('how much a file or folder takes')
    .argument('[path]', 'absolute path', '/');
  withExamples(command, 'sparkplug hdfs du /data').action(
    act(async ({ shell, args: [path = '/'] }) => {
      const usage = await measureUsage(projectChoice(shell), path, shell.signal);
      if (shell.json) shell.printJson(usage);
      else {
        const { bytes, bytesWithReplicas, files, folders } = usage;
        shell.print(
          `${usage.path}: ${formatBytes(bytes)} in ${files} files and ${folders} folders, ${formatBytes(bytesWithReplicas)} with all copies`,
        );
      }
      return 0;
    }),
  );
}
