// core-site.xml of every HDFS daemon: where the file system is and how patient its connections are.
import { renderHadoopXml } from './hadoop-xml.ts';

/** The default file system of every path without a scheme. */
export const defaultFileSystem = 'hdfs://namenode:8020';
/** The one user of the cluster: all containers run as it, HDFS knows it as the superuser. */
const hdfsUser = 'sparkplug';

/** Builds core-site.xml; the same text for every cluster. */
export function buildCoreSite(): string {
  return renderHadoopXml({
    'fs.defaultFS': defaultFileSystem,
    'hadoop.tmp.dir': '/tmp/hadoop',
    // WebHDFS without a user name acts as the one user there is.
    'hadoop.http.staticuser.user': hdfsUser,
    // A replaced NameNode has a new address: give up on the old one after 5 s, not after 20 s and 45 tries.
    'ipc.client.connect.timeout': 5000,
    'ipc.client.connect.max.retries.on.timeouts': 3,
    'ipc.client.connect.retry.interval': 500,
    'hadoop.prometheus.endpoint.enabled': true,
  });
}
