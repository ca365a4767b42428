"""Keeps cached and shuffled data and writes files, until /stop is there; tells how often the source was computed."""

import sys
import time

from pyspark.sql import SparkSession

PARTITIONS = 8
ROWS = 20_000
spark = SparkSession.builder.getOrCreate()
context = spark.sparkContext
computed = context.accumulator(0)


def make(partition, rows):
    computed.add(1)
    return ((row % 100, f"{partition}-{row}-" + "x" * 40) for row in range(ROWS))


source = context.parallelize(range(PARTITIONS), PARTITIONS).mapPartitionsWithIndex(make).cache()
sizes = source.mapValues(len).reduceByKey(lambda a, b: a + b, 4)
expected = (source.count(), sorted(sizes.collect()))
path = context._jvm.org.apache.hadoop.fs.Path("/stop")
files = path.getFileSystem(context._jsc.hadoopConfiguration())
deadline = time.time() + int(sys.argv[1])
rounds = 0
while not files.exists(path) and time.time() < deadline:
    found = (source.count(), sorted(sizes.collect()))
    if found != expected:
        raise SystemExit(f"round {rounds} found something else than before")
    spark.range(1000).repartition(4).write.mode("overwrite").parquet(f"/written/{rounds % 20}")
    rounds += 1
    print(f"round {rounds}", flush=True)
print(f"ended after {rounds} rounds, source computed {computed.value} times for {PARTITIONS} partitions", flush=True)
