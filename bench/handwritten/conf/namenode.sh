#!/bin/sh
set -e
java="java -Xmx512m -Dsun.net.inetaddr.ttl=5 -Dsun.net.inetaddr.negative.ttl=1 -Dhadoop.log.dir=/tmp -cp /conf:/opt/hadoop/share:/opt/hadoop/lib/*"
mkdir -p /data/state
[ -f /data/state/dn-hosts.json ] || echo '[]' > /data/state/dn-hosts.json
[ -f /data/nn/current/VERSION ] || $java org.apache.hadoop.hdfs.server.namenode.NameNode -format -nonInteractive -clusterId hand
exec $java org.apache.hadoop.hdfs.server.namenode.NameNode
