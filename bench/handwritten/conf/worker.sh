#!/bin/sh
address=$(getent hosts "$(hostname)" | awk '{print $1}' | head -1)
exec java -Xmx256m -cp "/opt/spark/slf4j-api.jar:/opt/spark/jars/*" org.apache.spark.deploy.worker.Worker --host "$address" --cores 1 --memory "$WORKER_MEMORY" \
  --work-dir /tmp/work spark://spark-master:7077
