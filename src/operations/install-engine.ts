// Installs Docker Engine on this computer, by the same script as on any machine.
import { type Privilege, runPrivileged } from '../adapters/host/run-program.ts';
import { SparkPlugError } from '../errors.ts';
import { provisionExits, renderInstallScript } from './machines/render-provision-script.ts';

/**
 * From the distribution's own packages; one that is there stays as it is.
 * @throws SparkPlugError SETUP_NOT_ALLOWED on other distributions, SETUP_FAILED with apt's last lines
 */
export async function installEngine(privilege: Privilege, run = runPrivileged): Promise<void> {
  const { exitCode, stdout, stderr } = await run(privilege, 'sh', ['-s'], { input: renderInstallScript() });
  if (exitCode === 0) return;
  if (exitCode === provisionExits.unknownSystem) {
    throw new SparkPlugError('SETUP_NOT_ALLOWED', 'SparkPlug installs Docker on Debian and Ubuntu only', {
      met: stderr.trim(),
      hint: 'install Docker Engine 20.10 or later with this system’s own means',
    });
  }
  const said = (stderr.trim() || stdout.trim()).split('\n').slice(-4).join('; ');
  throw new SparkPlugError('SETUP_FAILED', `installing docker.io failed: ${said}`, {
    hint: 'check the network and /etc/apt/sources.list, then: apt-get update && apt-get install docker.io',
  });
}
