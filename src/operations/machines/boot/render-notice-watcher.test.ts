import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { renderNoticeWatcher } from './render-notice-watcher.ts';

/** What the metadata say at one look: body and status, null where they do not answer. */
type Look = readonly [body: string, status: number] | null;

/** Looks as often as there are answers, with an engine that keeps one volume in a file. */
function watch(looks: readonly Look[], volume: string | null = null) {
  const folder = mkdtempSync(join(tmpdir(), 'sparkplug-notice-'));
  const program = (name: string, ...lines: readonly string[]) => {
    writeFileSync(join(folder, name), `${['#!/bin/sh', ...lines].join('\n')}\n`);
    chmodSync(join(folder, name), 0o755);
  };
  try {
    looks.forEach((look, index) => {
      if (look !== null) writeFileSync(join(folder, `look-${index}`), `${look[0]}\n${look[1]}`);
    });
    if (volume !== null) writeFileSync(join(folder, 'volume'), volume);
    program(
      'curl',
      'case "$*" in *api/token*) echo session; exit ;; esac',
      'number=$(cat "$SCENE/number" 2>/dev/null || echo 0)',
      'cat "$SCENE/look-$number" 2>/dev/null || exit 7',
    );
    program(
      'docker',
      'case "$1 $2" in',
      '  "volume inspect") [ -e "$SCENE/volume" ] ;;',
      '  "volume rm") rm "$SCENE/volume" ;;',
      '  "volume create") echo "create $*" >>"$SCENE/calls"; [ -e "$SCENE/volume" ] || echo "$*" >"$SCENE/volume" ;;',
      'esac',
    );
    // The script runs for ever: its sleep ends it after the last look.
    program(
      'sleep',
      'number=$(cat "$SCENE/number" 2>/dev/null || echo 0)',
      'echo $((number + 1)) >"$SCENE/number"',
      `[ "$((number + 1))" -lt ${looks.length} ] || kill "$PPID"`,
    );
    spawnSync('sh', ['-s'], {
      input: renderNoticeWatcher(),
      encoding: 'utf8',
      timeout: 10_000,
      env: { PATH: `${folder}:/usr/bin:/bin`, SCENE: folder },
    });
    const read = (name: string) => (existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : null);
    return { volume: read('volume'), calls: read('calls') ?? '' };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const notice = '{"action": "terminate", "time": "2026-11-26T08:22:00Z"}';
const none: Look = ['<html>Not Found</html>', 404];

test('a notice becomes the labels of a volume, once', () => {
  const { volume, calls } = watch([none, [notice, 200], [notice, 200]]);
  assert.match(
    volume ?? '',
    /--label sparkplug\.notice=terminate --label sparkplug\.notice-until=2026-11-26T08:22:00Z sparkplug-notice/,
  );
  assert.equal(calls.split('\n').filter(Boolean).length, 1);
});

test('without one there is no volume, and one of an earlier life goes', () => {
  assert.equal(watch([none]).volume, null);
  assert.equal(watch([none], 'old').volume, null);
});

test('another notice takes the place of the first', () => {
  const later = notice.replace('08:22', '09:00').replace('terminate', 'stop');
  assert.match(
    watch([
      [notice, 200],
      [later, 200],
    ]).volume ?? '',
    /notice=stop .*until=2026-11-26T09:00:00Z/,
  );
});

test('metadata that do not answer, or not as they should, change nothing', () => {
  assert.equal(watch([null, ['busy', 503]], 'old').volume, 'old');
  assert.equal(watch([['{"action": "$(reboot)", "time": "now"}', 200]]).volume, null);
});
