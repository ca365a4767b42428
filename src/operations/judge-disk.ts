// How much room each disk needs that this computer's part of the work writes to.
import { hostname, tmpdir } from 'node:os';
import type { EngineInfo } from '../adapters/docker/docker.ts';
import { measureFreeDiskMiB } from '../adapters/host/disk.ts';
import { formatMiB } from '../units.ts';

/** One disk that is looked at. */
export interface DiskNeed {
  readonly name: string;
  readonly folder: string;
  /** Less is worth a warning. */
  readonly lowMiB: number;
  /** With less, something will fail. */
  readonly fullMiB: number;
  /** What the room is for. */
  readonly why: string;
  readonly fix: string;
}

/** Images as they were measured, and what the largest needs while it is built; beyond that the cluster's own data. */
const dockerDisk = {
  name: "disk of Docker's data",
  lowMiB: 10 * 1024,
  fullMiB: 5 * 1024,
  why: `images alone need some ${formatMiB(5 * 1024)}`,
  fix: 'docker system df; docker system prune',
} as const;

/** With less than this a cluster that has all its images still writes logs, HDFS blocks and its journal for a while only. */
const runningLowMiB = 1024;

/** Disks of this computer that are written to. A remote engine's data are not here to be looked at: null. */
export function listDiskNeeds(engine: Pick<EngineInfo, 'name' | 'rootDir'> | null, projectDir: string): DiskNeed[] {
  const isLocal = engine !== null && engine.name === hostname();
  return [
    ...(isLocal ? [{ ...dockerDisk, folder: engine.rootDir }] : []),
    {
      name: 'disk of the project',
      folder: projectDir,
      lowMiB: 256,
      fullMiB: 16,
      why: 'the state of the project is kept there',
      fix: `free some; du -xah ${projectDir} | sort -h | tail shows what is large`,
    },
    {
      name: 'disk of temporary files',
      folder: tmpdir(),
      // The files of an image, Node and the conductor's modules among them, and Debian's root file system where it is made here.
      lowMiB: 2 * 1024,
      fullMiB: 768,
      why: 'image builds lay out their files there',
      fix: 'free some, or let TMPDIR name another folder',
    },
  ];
}

export interface DiskVerdict {
  readonly state: 'ok' | 'warning' | 'failed';
  readonly detail: string;
  /** Null where nothing is wrong. */
  readonly fix: string | null;
}

/** Null where the disk cannot be measured. */
export async function examineDisk(need: DiskNeed): Promise<DiskVerdict | null> {
  const freeMiB = await measureFreeDiskMiB(need.folder);
  return freeMiB === null ? null : judgeDisk(need, freeMiB);
}

export function judgeDisk({ folder, lowMiB, fullMiB, why, fix }: DiskNeed, freeMiB: number): DiskVerdict {
  const detail = `${formatMiB(freeMiB)} free at ${folder}`;
  if (freeMiB >= lowMiB) return { state: 'ok', detail, fix: null };
  return { state: freeMiB < fullMiB ? 'failed' : 'warning', detail: `${detail}; ${why}`, fix };
}

/** What a cluster is told that has its images and hardly any room left for its data; null where there is enough. */
export async function warnOfFullDisk({ name, rootDir }: Pick<EngineInfo, 'name' | 'rootDir'>): Promise<string | null> {
  const freeMiB = name === hostname() ? await measureFreeDiskMiB(rootDir) : null;
  if (freeMiB === null || freeMiB >= runningLowMiB) return null;
  return `${formatMiB(freeMiB)} are free on ${dockerDisk.name} (${rootDir}), where HDFS, logs and results are written: ${dockerDisk.fix}`;
}
