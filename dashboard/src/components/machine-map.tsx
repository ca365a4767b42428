// The machines drawn to scale, and the container that is pointed at.
import { useEffect, useRef, useState } from 'react';
import type { ContainerView, MachineView } from '../api-types.ts';
import { formatMiB, formatPlural, trimNumber } from '../format.ts';
import { chooseScale, layoutMachine, type MachineLayout, type Rect, type Scale } from '../layout-machine.ts';
import { CopyButton } from './copy-button.tsx';
import { type Column, DataTable } from './data-table.tsx';
import { Empty, Figure } from './page.tsx';
import { StateBadge, StateGlyph } from './state-badge.tsx';

const gapPx = 28;

export function MachineMap({ machines }: { readonly machines: readonly MachineView[] }) {
  const frame = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  const [pinned, setPinned] = useState<string | null>(null);
  const [pointed, setPointed] = useState<string | null>(null);
  useEffect(() => {
    const element = frame.current;
    if (element === null) return;
    const resized = new ResizeObserver(() => setWidth(element.clientWidth));
    resized.observe(element);
    return () => resized.disconnect();
  }, []);
  const scale = width === 0 || machines.length === 0 ? null : chooseScale(machines, { width, gap: gapPx });
  const shown = pointed ?? pinned;
  const all = machines.flatMap((machine) => machine.containers.map((container) => ({ machine, container })));
  // Before anything is chosen: what needs a look, else the first.
  const chosen =
    all.find(({ container }) => container.service === shown) ??
    all.find(({ container }) => container.state !== 'ready') ??
    all[0];
  return (
    <div className="stack">
      <MapLegend />
      <div className="machines" ref={frame} style={{ columnGap: gapPx }}>
        {machines.length === 0 ? <Empty>No machine is known yet.</Empty> : null}
        {scale === null
          ? null
          : machines.map((machine) => (
              <MachineDrawing
                key={machine.name}
                machine={machine}
                scale={scale}
                shown={chosen?.container.service ?? null}
                onPoint={setPointed}
                onPin={(service) => setPinned(service === pinned ? null : service)}
              />
            ))}
      </div>
      {chosen === undefined ? null : <ContainerDetails machine={chosen.machine} container={chosen.container} />}
      <details>
        <summary>All containers as a table</summary>
        <ContainerTable machines={machines} />
      </details>
    </div>
  );
}

function MapLegend() {
  return (
    <ul className="map-legend small">
      <li>
        <span data-kind="compute" data-own /> Spark worker and its own cores
      </li>
      <li>
        <span data-kind="storage" /> DataNode
      </li>
      <li>
        <span data-kind="control" /> conductor
      </li>
      <li>
        <span data-kind="reserved" /> left alone
      </li>
      <li>
        <span data-kind="free" /> free
      </li>
      <li className="muted">width: cores, height: memory</li>
    </ul>
  );
}

interface MachineDrawingProps {
  readonly machine: MachineView;
  readonly scale: Scale;
  readonly shown: string | null;
  readonly onPoint: (service: string | null) => void;
  readonly onPin: (service: string) => void;
}

function MachineDrawing({ machine, scale, shown, onPoint, onPin }: MachineDrawingProps) {
  const layout = layoutMachine(machine, scale);
  const role = machine.conductor ? 'conductor' : 'follower';
  return (
    <section className="machine" aria-label={`Machine ${machine.name}`} style={{ minWidth: layout.width }}>
      <header>
        <h3>{machine.name}</h3>
        <p className="small">
          {formatPlural(machine.cores, 'core')}, {formatMiB(machine.memoryMiB)} <span className="muted">· {role}</span>
        </p>
        {machine.reachable ? null : (
          <p className="small machine-away">
            <StateGlyph state="missing" size={14} /> cannot be reached
          </p>
        )}
      </header>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: leaving the drawing ends the pointing at its containers. */}
      <div
        className="machine-frame"
        data-away={machine.reachable ? undefined : true}
        style={{ width: layout.width, height: layout.height, '--core': `${scale.pxPerCore}px` } as React.CSSProperties}
        onMouseLeave={() => onPoint(null)}
      >
        <Room rect={layout.free} kind="free" text={describeFree(machine, layout)} />
        <Room rect={layout.reserved} kind="reserved" text={`${formatMiB(machine.reservedMiB)} left alone`} />
        {layout.boxes.map(({ container, rect, cores }) => (
          <button
            key={container.service}
            type="button"
            className="container-box"
            data-kind={kindOf(container)}
            data-state={container.state}
            aria-pressed={shown === container.service}
            style={position(rect)}
            onMouseEnter={() => onPoint(container.service)}
            onFocus={() => onPoint(container.service)}
            onBlur={() => onPoint(null)}
            onClick={() => onPin(container.service)}
          >
            {cores === null ? null : <span className="own-cores" style={{ left: cores.x - 1, width: cores.width }} />}
            <MemoryInUse container={container} />
            <BoxText container={container} rect={rect} />
          </button>
        ))}
      </div>
    </section>
  );
}

/** A thin line at the box's foot: how much of its memory is in use. */
function MemoryInUse({ container: { memoryMiB, memoryUsedMiB } }: { readonly container: ContainerView }) {
  if (memoryUsedMiB === null || memoryMiB === 0) return null;
  return <span className="memory-used" style={{ width: `${Math.min(100, (memoryUsedMiB / memoryMiB) * 100)}%` }} />;
}

function BoxText({ container, rect }: { readonly container: ContainerView; readonly rect: Rect }) {
  const hasRoom = rect.height >= 11 && rect.width >= 26;
  const showsSize = hasRoom && rect.width > 190 && rect.height >= 15 && container.cores > 0;
  return (
    <span className={hasRoom ? 'box-text' : 'visually-hidden'} data-low={rect.height < 15 ? true : undefined}>
      <StateGlyph state={container.state} size={rect.height < 15 ? 10 : 13} />
      <span className="box-name">{container.service}</span>
      <span className="visually-hidden">{describeContainer(container)}</span>
      {showsSize ? (
        <span className="box-size" aria-hidden>
          {formatMiB(container.memoryMiB)}
        </span>
      ) : null}
    </span>
  );
}

function Room({
  rect,
  kind,
  text,
}: {
  readonly rect: Rect;
  readonly kind: 'free' | 'reserved';
  readonly text: string;
}) {
  if (rect.height < 1) return null;
  return (
    <div className="room" data-kind={kind} style={position(rect)}>
      <span className={rect.height >= 18 ? 'small' : 'visually-hidden'}>{text}</span>
    </div>
  );
}

function position({ x, y, width, height }: Rect): React.CSSProperties {
  return { left: x, top: y, width, height };
}

function describeFree(machine: MachineView, { coresTaken, memoryTakenMiB }: MachineLayout): string {
  const free = Math.max(0, machine.memoryMiB - machine.reservedMiB - memoryTakenMiB);
  return `${formatMiB(free)}, ${formatPlural(Math.max(0, machine.cores - coresTaken), 'core')} free`;
}

type Kind = 'compute' | 'storage' | 'control';

function kindOf({ component }: ContainerView): Kind {
  if (component === 'spark-worker') return 'compute';
  return component === 'datanode' ? 'storage' : 'control';
}

/** What follows the name, for readers who do not see the drawing. */
function describeContainer({ state, cores, memoryMiB, memoryUsedMiB }: ContainerView): string {
  const own = cores > 0 ? `, ${formatPlural(cores, 'core')}` : '';
  const used = memoryUsedMiB === null ? '' : `, ${formatMiB(memoryUsedMiB)} in use`;
  return `, ${state}${own}, ${formatMiB(memoryMiB)}${used}`;
}

interface ContainerDetailsProps {
  readonly machine: MachineView;
  readonly container: ContainerView;
}

function ContainerDetails({ machine, container }: ContainerDetailsProps) {
  const { service, state, cores, memoryMiB, coresUsed, memoryUsedMiB } = container;
  return (
    <section className="container-details" aria-label={`Details of ${service}`}>
      <div className="actions">
        <h3>{service}</h3>
        <StateBadge state={state} />
      </div>
      <dl className="figures">
        <Figure name="Machine" large={false}>
          {machine.name}
        </Figure>
        <Figure name="Cores" large={false}>
          {cores === 0 ? 'shares what is left' : trimNumber(cores, 2)}
        </Figure>
        <Figure name="Cores in use" large={false}>
          {coresUsed === null ? 'not measured yet' : trimNumber(coresUsed, 2)}
        </Figure>
        <Figure name="Memory in use" large={false}>
          {memoryUsedMiB === null ? 'not measured yet' : `${formatMiB(memoryUsedMiB)} of ${formatMiB(memoryMiB)}`}
        </Figure>
        <Figure name="Its log" large={false}>
          <code>sparkplug logs {service}</code>
        </Figure>
      </dl>
      <div>
        <CopyButton text={`sparkplug logs ${service} -f`} label="Copy the log command" />
      </div>
    </section>
  );
}

const containerColumns: readonly Column[] = [
  { name: 'Container' },
  { name: 'State' },
  { name: 'Machine' },
  { name: 'Cores', right: true },
  { name: 'In use', right: true },
  { name: 'Memory', right: true },
  { name: 'In use', right: true },
];

function ContainerTable({ machines }: { readonly machines: readonly MachineView[] }) {
  return (
    <DataTable columns={containerColumns}>
      {machines.flatMap((machine) =>
        machine.containers.map((container) => (
          <tr key={container.service}>
            <th scope="row">{container.service}</th>
            <td data-label="State">
              <StateBadge state={container.state} />
            </td>
            <td data-label="Machine">{machine.name}</td>
            <td data-label="Cores" className="right">
              {container.cores === 0 ? 'shared' : container.cores}
            </td>
            <td data-label="Cores in use" className="right">
              {container.coresUsed === null ? '–' : trimNumber(container.coresUsed, 2)}
            </td>
            <td data-label="Memory" className="right">
              {formatMiB(container.memoryMiB)}
            </td>
            <td data-label="Memory in use" className="right">
              {container.memoryUsedMiB === null ? '–' : formatMiB(container.memoryUsedMiB)}
            </td>
          </tr>
        )),
      )}
    </DataTable>
  );
}
