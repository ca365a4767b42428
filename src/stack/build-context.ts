// What all component builders look at: desired state, plan, and the generated files they may mount.
import type { ClusterPlan } from '../plan/cluster-plan.ts';
import { buildCoreSite } from './core-site.ts';
import type { ClusterRegistry, DesiredState } from './desired-state.ts';
import { hashContent } from './hash-content.ts';
import { buildHdfsSite } from './hdfs-site.ts';
import { buildDaemonDefaults, buildDriverDefaults, buildHistoryDefaults } from './spark-defaults.ts';
import type { ConfigFile } from './stack-spec.ts';

/** Every generated file but the bootstrap. */
export interface Configs {
  readonly coreSite: ConfigFile;
  /** Of the NameNode and the checkpointer. */
  readonly hdfsSite: ConfigFile;
  readonly datanodeSite: ConfigFile;
  readonly sparkDaemons: ConfigFile;
  readonly sparkDriver: ConfigFile;
  /** Null where no history server stands. */
  readonly sparkHistory: ConfigFile | null;
}

export interface BuildContext {
  readonly desired: DesiredState;
  readonly plan: ClusterPlan;
  /** Image of the driver that the next run needs; by default that of the desired state. */
  readonly driverImage: string;
  /** Machine of the conductor's containers. */
  readonly conductorMachineId: string | null;
  /** False: no service names its machine, any manager will do (a Compose folder deployed by hand). */
  readonly pinned: boolean;
  /** Where other machines pull from; null where there is one machine. */
  readonly registry: ClusterRegistry | null;
  /** Group of the Docker socket by machine id, of the machines where it is known. */
  readonly socketGids: ReadonlyMap<string, number>;
  readonly configs: Configs;
  /** The desired state that a scheduler with an empty database adopts. */
  readonly bootstrap: ConfigFile | null;
}

/** A generated file; its content decides its name. */
export function configFile(name: string, file: string, content: string): ConfigFile {
  const hash = hashContent(content);
  return { name: `${name}_${hash}`, file, content, hash };
}

/** Generates every Spark and Hadoop file of the cluster. */
export function buildConfigs(desired: DesiredState, plan: ClusterPlan): Configs {
  const { replication } = desired.config.hdfs;
  return {
    coreSite: configFile('core-site', 'core-site.xml', buildCoreSite()),
    hdfsSite: configFile('hdfs-site', 'hdfs-site.xml', buildHdfsSite({ replication, writes: false })),
    datanodeSite: configFile(
      'hdfs-site-datanode',
      'hdfs-site-datanode.xml',
      buildHdfsSite({ replication, writes: true }),
    ),
    sparkDaemons: configFile('spark-daemons', 'spark-daemons.conf', buildDaemonDefaults()),
    sparkDriver: configFile('spark-driver', 'spark-driver.conf', buildDriverDefaults(plan.worker, desired.config)),
    sparkHistory: plan.history.planned
      ? configFile('spark-history', 'spark-history.conf', buildHistoryDefaults())
      : null,
  };
}

/** Where a daemon or driver reads its file, whichever of the generated ones it is given. */
export const mountCoreSite = (file: ConfigFile) => ({ config: file.name, target: '/etc/hadoop/core-site.xml' });
export const mountHdfsSite = (file: ConfigFile) => ({ config: file.name, target: '/etc/hadoop/hdfs-site.xml' });
export const mountSpark = (file: ConfigFile) => ({ config: file.name, target: '/etc/spark/spark-defaults.conf' });
