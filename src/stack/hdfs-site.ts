// hdfs-site.xml of the NameNode, the checkpointer and the DataNodes, tuned for a handful of machines.
import { renderHadoopXml } from './hadoop-xml.ts';

/**
 * Builds hdfs-site.xml. None of the daemons chooses a replication: whoever writes does, so that a cluster that grows
 * restarts nothing. `writes`: the DataNodes, which write for those who send files by WebHDFS.
 */
export function buildHdfsSite({ replication, writes }: { replication: 'auto' | number; writes: boolean }): string {
  // Among three DataNodes or fewer none is left to replace one that fails meanwhile.
  const policy = { 'dfs.client.block.write.replace-datanode-on-failure.policy': 'NEVER' } as const;
  return renderHadoopXml({
    ...(writes && (replication === 'auto' || replication <= 3) ? policy : {}),
    'dfs.namenode.name.dir': 'file:///data/name',
    'dfs.datanode.data.dir': 'file:///data/data',
    'dfs.namenode.checkpoint.dir': 'file:///data/checkpoint',
    ...addresses,
    ...membership,
    ...topology,
    ...failureDetection,
    ...reReplication,
  });
}

/** The container's own on `data`, which the image's entrypoint finds out. */
const ownAddress = `\${env.SPARKPLUG_ADDRESS}`;

const addresses = {
  'dfs.namenode.rpc-address': 'namenode:8020',
  'dfs.namenode.rpc-bind-host': ownAddress,
  'dfs.namenode.http-address': 'namenode:9870',
  'dfs.namenode.http-bind-host': ownAddress,
  'dfs.namenode.secondary.http-address': `${ownAddress}:9868`,
  'dfs.datanode.address': `${ownAddress}:9866`,
  'dfs.datanode.ipc.address': `${ownAddress}:9867`,
  'dfs.datanode.http.address': `${ownAddress}:9864`,
  'dfs.client.use.datanode.hostname': false,
} as const;

const membership = {
  // Overlay addresses have no reverse names.
  'dfs.namenode.datanode.registration.ip-hostname-check': false,
  // A writable file on the NameNode's volume: a DataNode is drained by an entry there (a config would be read-only).
  'dfs.namenode.hosts.provider.classname': 'org.apache.hadoop.hdfs.server.blockmanagement.CombinedHostFileManager',
  'dfs.hosts': '/data/state/dn-hosts.json',
} as const;

const topology = {
  // A DataNode's machine is its rack.
  'net.topology.script.file.name': '/opt/sparkplug/bin/find-machines',
  // One whose machine is not known yet comes again, instead of counting as one of another machine than it is.
  'dfs.namenode.reject-unresolved-dn-topology-mapping': true,
  // Upstream's default puts the second and third replica on one rack; this one puts each replica on another as long as
  // there is another, and moves replicas when a first further machine joins.
  'dfs.block.replicator.classname':
    'org.apache.hadoop.hdfs.server.blockmanagement.BlockPlacementPolicyRackFaultTolerant',
} as const;

const failureDetection = {
  // Dead after 2 × 20 s + 10 × 3 s = 70 s instead of 630 s; above the time a container needs to come back.
  'dfs.heartbeat.interval': 3,
  'dfs.namenode.heartbeat.recheck-interval': 20_000,
  'dfs.namenode.stale.datanode.interval': 20_000,
  'dfs.namenode.avoid.read.stale.datanode': true,
  'dfs.namenode.avoid.write.stale.datanode': true,
  // Upstream waits 30 s more after the last block was reported; a small cluster needs no such margin.
  'dfs.namenode.safemode.extension': 1000,
} as const;

const reReplication = {
  // Upstream's 2, 2, 4 and 30 s keep a thousand machines calm; three drain for hours with them.
  'dfs.namenode.replication.work.multiplier.per.iteration': 10,
  'dfs.namenode.replication.max-streams': 20,
  'dfs.namenode.replication.max-streams-hard-limit': 40,
  'dfs.namenode.decommission.interval': 5,
  // A replica that was one too many, is deleted, and comes back before its DataNode has reported the deletion, is counted
  // neither as there nor as gone, and a drain waits for it: for upstream's 3600 s. A copy that was ordered and did not
  // arrive is ordered again after 60 s instead of 300.
  'dfs.namenode.excess.redundancy.timeout-sec': 20,
  'dfs.namenode.reconstruction.pending.timeout-sec': 60,
} as const;
