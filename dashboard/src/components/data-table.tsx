// The frame that all tables of things share: it scrolls sideways, and folds into cards on a narrow screen.
import type { ReactNode } from 'react';

export interface Column {
  readonly name: string;
  /** Numbers, and what belongs to the row's end. */
  readonly right?: boolean;
  /** True: said to assistive technology only. */
  readonly hidden?: boolean;
}

interface DataTableProps {
  readonly columns: readonly Column[];
  /** Its rows; each cell names its column again (`data-label`), for where the head is not shown. */
  readonly children: ReactNode;
}

export function DataTable({ columns, children }: DataTableProps) {
  return (
    <div className="table-scroll">
      <table className="table folding">
        <thead>
          <tr>
            {columns.map(({ name, right = false, hidden = false }, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: two columns may have one name, and none ever moves.
              <th key={index} scope="col" className={right ? 'right' : undefined}>
                {hidden ? <span className="visually-hidden">{name}</span> : name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
