// Uploads with their progress, one after the other: HDFS writes each file through the same door.
import { useQueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { hdfsUrl, readProblem } from '../api.ts';
import { joinPath } from '../hdfs-path.ts';

export interface Upload {
  readonly path: string;
  readonly bytes: number;
  readonly sentBytes: number;
  readonly state: 'waiting' | 'running' | 'done' | 'failed' | 'cancelled';
  readonly error: unknown;
}

export interface Uploads {
  readonly list: readonly Upload[];
  add(folder: string, files: readonly File[]): void;
  retry(path: string, overwrite: boolean): void;
  cancel(path: string): void;
  /** Forgets those that have ended. */
  clear(): void;
}

interface Job {
  readonly path: string;
  readonly file: File;
  readonly overwrite: boolean;
}

export function useUploads(): Uploads {
  const queries = useQueryClient();
  const [list, setList] = useState<readonly Upload[]>([]);
  const waiting = useRef<Job[]>([]);
  const running = useRef<{ readonly path: string; readonly request: XMLHttpRequest } | null>(null);
  const files = useRef(new Map<string, File>());

  const update = (path: string, change: Partial<Upload>): void =>
    setList((before) => before.map((upload) => (upload.path === path ? { ...upload, ...change } : upload)));

  const next = (): void => {
    if (running.current !== null) return;
    const job = waiting.current.shift();
    if (job === undefined) return;
    update(job.path, { state: 'running' });
    const request = send(
      job,
      (sentBytes) => update(job.path, { sentBytes }),
      (outcome) => {
        running.current = null;
        update(job.path, outcome);
        void queries.invalidateQueries({ queryKey: ['folder'] });
        next();
      },
    );
    running.current = { path: job.path, request };
  };

  const enqueue = (jobs: readonly Job[]): void => {
    for (const { path, file } of jobs) files.current.set(path, file);
    const paths = new Set(jobs.map(({ path }) => path));
    setList((before) => [
      ...before.filter(({ path }) => !paths.has(path)),
      ...jobs.map(({ path, file }) => ({
        path,
        bytes: file.size,
        sentBytes: 0,
        state: 'waiting' as const,
        error: null,
      })),
    ]);
    waiting.current.push(...jobs);
    next();
  };

  return {
    list,
    add: (folder, added) => {
      const busy = new Set([...waiting.current.map(({ path }) => path), running.current?.path]);
      const jobs = added.map((file) => ({ path: joinPath(folder, file.name), file, overwrite: false }));
      enqueue(jobs.filter(({ path }) => !busy.has(path)));
    },
    retry: (path, overwrite) => {
      const file = files.current.get(path);
      if (file !== undefined) enqueue([{ path, file, overwrite }]);
    },
    cancel: (path) => {
      waiting.current = waiting.current.filter((job) => job.path !== path);
      if (running.current?.path === path) running.current.request.abort();
      else update(path, { state: 'cancelled' });
    },
    clear: () => setList((before) => before.filter(({ state }) => state === 'waiting' || state === 'running')),
  };
}

/** `fetch` tells nothing of how far an upload is. */
function send(
  { path, file, overwrite }: Job,
  onProgress: (bytes: number) => void,
  onEnd: (outcome: Partial<Upload>) => void,
): XMLHttpRequest {
  const request = new XMLHttpRequest();
  request.open('PUT', `${hdfsUrl(path)}${overwrite ? '?overwrite=true' : ''}`);
  request.setRequestHeader('content-type', 'application/octet-stream');
  request.upload.onprogress = ({ loaded }) => onProgress(loaded);
  request.onload = () => {
    if (request.status >= 200 && request.status < 300) return onEnd({ state: 'done', sentBytes: file.size });
    const type = request.getResponseHeader('content-type');
    onEnd({ state: 'failed', error: readProblem(request.status, type, request.responseText) });
  };
  request.onerror = () => onEnd({ state: 'failed', error: readProblem(0, null, '') });
  request.onabort = () => onEnd({ state: 'cancelled' });
  request.send(file);
  return request;
}
