// The files in HDFS: look, bring, fetch, remove.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import {
  CircleCheck,
  Download,
  File as FileIcon,
  Folder,
  FolderPlus,
  Trash2,
  Upload as UploadIcon,
} from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { Button } from 'react-aria-components/Button';
import { DropZone } from 'react-aria-components/DropZone';
import { FileTrigger } from 'react-aria-components/FileTrigger';
import { Link, useLocation } from 'wouter';
import { api, hasCode, hdfsUrl } from '../api.ts';
import type { FileStatus } from '../api-types.ts';
import { type Column, DataTable } from '../components/data-table.tsx';
import { TextField } from '../components/fields.tsx';
import { ModalDialog } from '../components/modal-dialog.tsx';
import { ListOf, Page } from '../components/page.tsx';
import { ProblemView } from '../components/problem-view.tsx';
import { formatBytes, formatMoment, formatPlural } from '../format.ts';
import { baseName, findNameProblem, folderHref, folderOfHref, joinPath, listAncestors } from '../hdfs-path.ts';
import { type Upload, type Uploads, useUploads } from '../live/use-uploads.ts';
import { useMay } from '../session.tsx';

export function FilesPage() {
  useLocation();
  // The router decodes its parameters, and then `%2F` and `/` are the same.
  const folder = folderOfHref(window.location.pathname.replace(/^\/files\/?/, ''));
  const mayChange = useMay('admin');
  const uploads = useUploads();
  const [isNaming, setNaming] = useState(false);
  const [removing, setRemoving] = useState<FileStatus | null>(null);
  const list = useQuery({
    queryKey: ['folder', folder],
    queryFn: ({ signal }) => api.folder(folder, signal),
  });
  const add = (files: readonly File[]): void => uploads.add(folder, files);
  const content = (
    <section className="card" aria-label="Files">
      {list.error !== null ? (
        <div className="card-body">
          <ProblemView error={list.error} onRetry={() => void list.refetch()} />
        </div>
      ) : (
        <ListOf
          what="the folder"
          items={list.data?.entries}
          isRefused={false}
          empty={mayChange ? 'This folder is empty. Drop files here, or press Upload.' : 'This folder is empty.'}
        >
          {(entries) => <FileTable entries={entries} onRemove={mayChange ? setRemoving : null} />}
        </ListOf>
      )}
    </section>
  );
  return (
    <Page
      title="Files"
      about={<Breadcrumbs folder={folder} />}
      actions={
        mayChange ? (
          <>
            <Button className="button" onPress={() => setNaming(true)}>
              <FolderPlus size={16} aria-hidden />
              New folder
            </Button>
            <FileTrigger allowsMultiple onSelect={(files) => add([...(files ?? [])])}>
              <Button className="button primary">
                <UploadIcon size={16} aria-hidden />
                Upload
              </Button>
            </FileTrigger>
          </>
        ) : (
          <span className="muted small">Your log-in may fetch files, not change them.</span>
        )
      }
    >
      {uploads.list.length === 0 ? null : <UploadList uploads={uploads} />}
      {mayChange ? (
        <DropZone
          className="drop-zone"
          aria-label="Drop files to upload them"
          onDrop={async ({ items }) => {
            const files = await Promise.all(items.flatMap((item) => (item.kind === 'file' ? [item.getFile()] : [])));
            add(files);
          }}
        >
          {content}
        </DropZone>
      ) : (
        content
      )}
      <ModalDialog title="New folder" isOpen={isNaming} onClose={() => setNaming(false)}>
        <NewFolderForm folder={folder} onDone={() => setNaming(false)} />
      </ModalDialog>
      <ModalDialog
        title={removing === null ? '' : `Delete ${baseName(removing.path)}?`}
        role="alertdialog"
        isOpen={removing !== null}
        onClose={() => setRemoving(null)}
      >
        {removing === null ? null : <RemoveForm entry={removing} onDone={() => setRemoving(null)} />}
      </ModalDialog>
    </Page>
  );
}

function Breadcrumbs({ folder }: { readonly folder: string }) {
  const ancestors = listAncestors(folder);
  return (
    <nav aria-label="Folder">
      <ol className="breadcrumbs">
        {ancestors.map((path) => (
          <li key={path}>
            {path === folder ? (
              <span aria-current="page">{path === '/' ? 'hdfs' : baseName(path)}</span>
            ) : (
              <Link href={folderHref(path)}>{path === '/' ? 'hdfs' : baseName(path)}</Link>
            )}
          </li>
        ))}
      </ol>
    </nav>
  );
}

interface FileTableProps {
  readonly entries: readonly FileStatus[];
  readonly onRemove: ((entry: FileStatus) => void) | null;
}

const fileColumns: readonly Column[] = [
  { name: 'Name' },
  { name: 'Size', right: true },
  { name: 'Copies', right: true },
  { name: 'Owner' },
  { name: 'Changed' },
  { name: 'Actions', right: true, hidden: true },
];

function FileTable({ entries, onRemove }: FileTableProps) {
  const sorted = [...entries].sort(
    (a, b) => Number(a.kind === 'file') - Number(b.kind === 'file') || a.path.localeCompare(b.path),
  );
  return (
    <DataTable columns={fileColumns}>
      {sorted.map((entry) => {
        const name = baseName(entry.path);
        return (
          <tr key={entry.path}>
            <th scope="row">
              <span className="file-name">
                {entry.kind === 'folder' ? (
                  <>
                    <Folder size={17} aria-hidden />
                    <Link href={folderHref(entry.path)}>{name}</Link>
                  </>
                ) : (
                  <>
                    <FileIcon size={17} aria-hidden />
                    <span>{name}</span>
                  </>
                )}
              </span>
            </th>
            <td data-label="Size" className="right">
              {entry.kind === 'folder' ? '–' : formatBytes(entry.bytes)}
            </td>
            <td data-label="Copies" className="right">
              {entry.kind === 'folder' ? '–' : entry.replication}
            </td>
            <td data-label="Owner">{entry.owner}</td>
            <td data-label="Changed" className="nowrap">
              {formatMoment(entry.modifiedAt)}
            </td>
            <td className="right tight">
              <span className="row-actions">
                {entry.kind === 'folder' ? null : (
                  <a
                    className="button icon quiet slim"
                    href={hdfsUrl(entry.path)}
                    download={name}
                    aria-label={`Download ${name}`}
                  >
                    <Download size={16} aria-hidden />
                  </a>
                )}
                {onRemove === null ? null : (
                  <Button
                    className="button icon quiet slim"
                    aria-label={`Delete ${name}`}
                    onPress={() => onRemove(entry)}
                  >
                    <Trash2 size={16} aria-hidden />
                  </Button>
                )}
              </span>
            </td>
          </tr>
        );
      })}
    </DataTable>
  );
}

function UploadList({ uploads }: { readonly uploads: Uploads }) {
  const ended = uploads.list.filter(({ state }) => state !== 'waiting' && state !== 'running').length;
  return (
    <section className="card" aria-label="Uploads">
      <div className="card-head">
        <h2>Uploads</h2>
        {ended === 0 ? null : (
          <Button className="button slim" onPress={uploads.clear}>
            Clear the list
          </Button>
        )}
      </div>
      <ul className="card-body stack">
        {uploads.list.map((upload) => (
          <UploadItem key={upload.path} upload={upload} uploads={uploads} />
        ))}
      </ul>
    </section>
  );
}

function UploadItem({ upload, uploads }: { readonly upload: Upload; readonly uploads: Uploads }) {
  const { path, bytes, sentBytes, state, error } = upload;
  const percent = bytes === 0 ? (state === 'done' ? 100 : 0) : Math.floor((sentBytes / bytes) * 100);
  const isOpen = state === 'waiting' || state === 'running';
  return (
    <li className="upload">
      <div className="upload-head">
        <span className="mono">{path}</span>
        <span className="small muted number" role="status">
          {state === 'running' ? `${percent} % of ${formatBytes(bytes)}` : describeUpload(state, bytes)}
        </span>
        {state === 'done' ? <CircleCheck size={17} className="glyph" data-tone="good" aria-hidden /> : null}
        {isOpen ? (
          <Button
            className="button slim"
            aria-label={`Cancel the upload of ${path}`}
            onPress={() => uploads.cancel(path)}
          >
            Cancel
          </Button>
        ) : null}
      </div>
      {state === 'running' ? (
        <div
          className="bar"
          role="progressbar"
          aria-label={`Upload of ${path}`}
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={percent}
        >
          <span style={{ width: `${percent}%` }} />
        </div>
      ) : null}
      {state === 'failed' ? (
        <>
          <ProblemView error={error} />
          <div className="actions">
            {hasCode(error, 'FILE_EXISTS') ? (
              <Button className="button slim danger" onPress={() => uploads.retry(path, true)}>
                Overwrite it
              </Button>
            ) : (
              <Button className="button slim" onPress={() => uploads.retry(path, false)}>
                Try again
              </Button>
            )}
          </div>
        </>
      ) : null}
    </li>
  );
}

function describeUpload(state: Upload['state'], bytes: number): string {
  if (state === 'done') return `${formatBytes(bytes)}, done`;
  return state;
}

function NewFolderForm({ folder, onDone }: { readonly folder: string; readonly onDone: () => void }) {
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const make = useMutation({
    mutationFn: () => api.makeFolder(joinPath(folder, name)),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['folder'] });
      onDone();
    },
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const found = findNameProblem(name);
    setProblem(found);
    if (found === null) make.mutate();
  };
  return (
    <form className="form" onSubmit={submit} noValidate>
      <TextField label="Name" value={name} onChange={setName} error={problem ?? undefined} isRequired autoFocus />
      {make.error === null ? null : <ProblemView error={make.error} />}
      <div className="actions end">
        <Button slot="close" className="button">
          Cancel
        </Button>
        <Button className="button primary" type="submit" isPending={make.isPending}>
          Make it
        </Button>
      </div>
    </form>
  );
}

function RemoveForm({ entry, onDone }: { readonly entry: FileStatus; readonly onDone: () => void }) {
  const queries = useQueryClient();
  const isFolder = entry.kind === 'folder';
  const remove = useMutation({
    mutationFn: () => api.removeFile(entry.path, isFolder),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['folder'] });
      onDone();
    },
  });
  const usage = isFolder
    ? 'The folder goes with all that is in it.'
    : `${formatPlural(1, 'file')}, ${formatBytes(entry.bytes)}.`;
  return (
    <div className="form">
      <p>
        {usage} <code>{entry.path}</code> cannot be brought back.
      </p>
      {remove.error === null ? null : <ProblemView error={remove.error} />}
      <div className="actions end">
        <Button slot="close" className="button" autoFocus>
          Keep it
        </Button>
        <Button className="button danger" isPending={remove.isPending} onPress={() => remove.mutate()}>
          Delete
        </Button>
      </div>
    </div>
  );
}
