#!/bin/sh
exec java -Xmx512m -cp "/opt/spark/slf4j-api.jar:/opt/spark/jars/*" -Dspark.master.rest.enabled=false -Dspark.deploy.recoveryMode=FILESYSTEM \
  -Dspark.deploy.recoveryDirectory=/data/master org.apache.spark.deploy.master.Master --host spark-master --port 7077 --webui-port 8080
