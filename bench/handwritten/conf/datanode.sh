#!/bin/sh
exec java -Xmx384m -Dsun.net.inetaddr.ttl=5 -Dsun.net.inetaddr.negative.ttl=1 -Dhadoop.log.dir=/tmp -cp "/conf:/opt/hadoop/share:/opt/hadoop/lib/*" \
  org.apache.hadoop.hdfs.server.datanode.DataNode
