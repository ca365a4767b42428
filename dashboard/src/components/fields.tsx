// Form fields with their label, help and the message of what is wrong with them.
import { type ReactNode, useId } from 'react';
import { ToggleButton } from 'react-aria-components/ToggleButton';
import { ToggleButtonGroup } from 'react-aria-components/ToggleButtonGroup';

interface FieldProps {
  readonly label: string;
  readonly help?: ReactNode;
  readonly error?: string | undefined;
}

interface TextFieldProps extends FieldProps {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly list?: readonly string[];
  readonly rows?: number;
  readonly isRequired?: boolean;
  readonly isMono?: boolean;
  readonly placeholder?: string;
  readonly autoFocus?: boolean;
}

/** One line, or several with `rows`; with `list` the browser offers what there is to choose. */
export function TextField({ label, help, error, value, onChange, list, rows, ...rest }: TextFieldProps) {
  const id = useId();
  const common = {
    id: `${id}-input`,
    value,
    'aria-describedby': `${id}-help ${id}-error`,
    'aria-invalid': error !== undefined,
    required: rest.isRequired === true,
    placeholder: rest.placeholder,
    className: rest.isMono === true ? 'mono' : undefined,
    autoComplete: 'off',
    spellCheck: false,
    // Set in dialogs only, where focus has to go somewhere.
    autoFocus: rest.autoFocus === true,
  } as const;
  return (
    <div className="field">
      <label htmlFor={`${id}-input`}>{label}</label>
      {rows === undefined ? (
        <input
          {...common}
          type="text"
          list={list === undefined ? undefined : `${id}-list`}
          onChange={(event) => onChange(event.target.value)}
        />
      ) : (
        <textarea {...common} rows={rows} onChange={(event) => onChange(event.target.value)} />
      )}
      {list === undefined ? null : (
        <datalist id={`${id}-list`}>
          {list.map((item) => (
            <option key={item} value={item} />
          ))}
        </datalist>
      )}
      <FieldNotes id={id} help={help} error={error} />
    </div>
  );
}

interface ChoiceFieldProps<T extends string> extends FieldProps {
  readonly value: T;
  readonly options: readonly { readonly value: T; readonly text: string }[];
  readonly onChange: (value: T) => void;
}

/** A list to choose one from: the browser's own, which every reader's device knows how to show. */
export function ChoiceField<T extends string>({ label, help, error, value, options, onChange }: ChoiceFieldProps<T>) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={`${id}-input`}>{label}</label>
      <select
        id={`${id}-input`}
        value={value}
        aria-describedby={`${id}-help ${id}-error`}
        onChange={(event) => {
          const chosen = options.find((option) => option.value === event.target.value);
          if (chosen !== undefined) onChange(chosen.value);
        }}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.text}
          </option>
        ))}
      </select>
      <FieldNotes id={id} help={help} error={error} />
    </div>
  );
}

function FieldNotes({ id, help, error }: { readonly id: string } & Pick<FieldProps, 'help' | 'error'>) {
  return (
    <>
      <span className="error" id={`${id}-error`} role="status" hidden={error === undefined}>
        {error}
      </span>
      <span className="help" id={`${id}-help`} hidden={help === undefined}>
        {help}
      </span>
    </>
  );
}

interface SegmentsProps<T extends string> {
  readonly label: string;
  readonly value: T;
  readonly options: readonly { readonly value: T; readonly text: string }[];
  readonly onChange: (value: T) => void;
}

/** A few options side by side, one of them chosen. */
export function Segments<T extends string>({ label, value, options, onChange }: SegmentsProps<T>) {
  return (
    <ToggleButtonGroup
      className="segments"
      aria-label={label}
      selectionMode="single"
      disallowEmptySelection
      selectedKeys={[value]}
      onSelectionChange={(keys) => {
        const chosen = options.find((option) => keys.has(option.value));
        if (chosen !== undefined) onChange(chosen.value);
      }}
    >
      {options.map((option) => (
        <ToggleButton key={option.value} id={option.value}>
          {option.text}
        </ToggleButton>
      ))}
    </ToggleButtonGroup>
  );
}
