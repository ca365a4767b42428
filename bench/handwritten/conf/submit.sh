#!/bin/sh
address=$(getent hosts "$(hostname)" | awk '{print $1}' | head -1)
exec /opt/spark/bin/spark-submit --master spark://spark-master:7077 --conf spark.driver.host="$address" --conf spark.driver.bindAddress=0.0.0.0 \
  --conf spark.executor.memory="$WORKER_MEMORY" --conf spark.cores.max=2 --conf spark.hadoop.fs.defaultFS=hdfs://namenode:8020 \
  --conf spark.hadoop.dfs.replication=2 "$@"
