// The log of one component, live; for a scope that may not read it the command that shows it.
import { Button } from 'react-aria-components/Button';
import { componentLogUrl } from '../api.ts';
import { useComponentLog } from '../live/use-component-log.ts';
import { useMay } from '../session.tsx';
import { CopyButton } from './copy-button.tsx';
import { LogView } from './log-view.tsx';

/** The most that the service gives at once. */
const downloadLines = 5000;

/** Opens the log. Not at once: whoever goes through the machines by keyboard would open a stream at every step. */
export function LogButton({ name, onShow }: { readonly name: string; readonly onShow: () => void }) {
  if (!useMay('run')) return <LogCommand name={name} />;
  return (
    <div>
      <Button className="button slim" onPress={onShow}>
        Show its log
      </Button>
    </div>
  );
}

/** Of one component: another one wants another key. */
export function ComponentLog({ name, onClose }: { readonly name: string; readonly onClose: () => void }) {
  const { lines, dropped, stream } = useComponentLog(name);
  return (
    <section aria-label={`What ${name} writes`}>
      <div className="actions">
        <h3>Log of {name}</h3>
        <Button className="button slim" onPress={onClose}>
          Close the log
        </Button>
      </div>
      {stream === 'lost' ? <p className="muted">The live connection was refused. Close and open it again.</p> : null}
      <LogView
        label={`Log of ${name}`}
        lines={lines}
        dropped={dropped}
        isLive
        downloadUrl={componentLogUrl(name, `tail=${downloadLines}`)}
        downloadName={`${name}.log`}
      />
    </section>
  );
}

function LogCommand({ name }: { readonly name: string }) {
  const command = `sparkplug logs ${name} -f`;
  return (
    <div className="actions">
      <span className="muted small">Logs of components need a token that may start runs. On the machine itself:</span>
      <code>{command}</code>
      <CopyButton text={command} label="Copy the log command" />
    </div>
  );
}
