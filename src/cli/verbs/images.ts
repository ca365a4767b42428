import type { Command } from 'commander';
import { SparkPlugError } from '../../errors.ts';
import {
  buildProjectImages,
  listProjectImages,
  pushProjectImages,
  removeAllImages,
} from '../../operations/project-images.ts';
import { formatBytes, formatSeconds, formatTable, formatTime } from '../format.ts';
import { projectChoice } from '../project-choice.ts';
import { type Act, withExamples } from '../verb.ts';

export function addImages(program: Command, act: Act): void {
  const images = program.command('images').description('what the cluster runs on, named by content');
  withExamples(images, 'sparkplug images', 'sparkplug images build', 'sparkplug images push');
  addList(images, act);
  addBuild(images, act);
  addPush(images, act);
  addRemove(images, act);
}

function addList(images: Command, act: Act): void {
  const command = images.command('list', { isDefault: true }).description("the project's images as its files are now");
  withExamples(command, 'sparkplug images list -o json').action(
    act(async ({ shell }) => {
      const found = await listProjectImages(projectChoice(shell));
      if (shell.json) {
        shell.printJson({ images: found });
        return 0;
      }
      const rows = found.map(({ name, ref, id, sizeBytes, createdAt }) => [
        name,
        ref,
        id === null ? 'not here yet' : id.slice('sha256:'.length).slice(0, 12),
        sizeBytes === null ? '' : formatBytes(sizeBytes),
        formatTime(createdAt),
      ]);
      shell.print(formatTable(['IMAGE', 'NAME', 'ID', 'SIZE', 'MADE'], rows));
      return 0;
    }),
  );
}

function addBuild(images: Command, act: Act): void {
  const command = images.command('build').description('pull or build what is missing');
  withExamples(command, 'sparkplug images build').action(
    act(async ({ shell }) => {
      const obtained = await buildProjectImages(projectChoice(shell), shell);
      if (shell.json) {
        shell.printJson({ images: obtained });
        return 0;
      }
      const rows = obtained.map(({ name, ref, how, durationMs }) => [
        name,
        ref,
        how,
        how === 'present' ? '' : formatSeconds(durationMs),
      ]);
      shell.print(formatTable(['IMAGE', 'NAME', 'HOW', 'TOOK'], rows));
      return 0;
    }),
  );
}

function addPush(images: Command, act: Act): void {
  const command = images.command('push').description('give all images to `images.registry` of the project file');
  withExamples(command, 'docker login registry.example.com && sparkplug images push').action(
    act(async ({ shell }) => {
      const pushed = await pushProjectImages(projectChoice(shell), shell);
      if (shell.json) shell.printJson({ pushed });
      else for (const { registryRef } of pushed) shell.print(`pushed ${registryRef}`);
      return 0;
    }),
  );
}

function addRemove(images: Command, act: Act): void {
  const command = images.command('rm').description('remove all images of SparkPlug from the engine but those in use');
  withExamples(command, 'sparkplug images rm --yes').action(
    act(async ({ shell }) => {
      const question = 'all images of SparkPlug that no container uses will be removed. Go on?';
      if (!(await shell.confirm(question))) {
        throw new SparkPlugError('USAGE', 'nothing was removed', { hint: 'answer y, or give --yes' });
      }
      const removed = await removeAllImages(projectChoice(shell));
      if (shell.json) shell.printJson({ removed });
      else shell.print(removed.length === 0 ? 'no image was removed' : `removed ${removed.length} images`);
      return 0;
    }),
  );
}
