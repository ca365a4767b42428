"""Works in several stages for about the seconds given, so that others can watch, cancel and interrupt it."""

import sys
import time

from pyspark.sql import SparkSession

seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 8.0
rounds = 4
spark = SparkSession.builder.getOrCreate()


def work(rows):
    time.sleep(seconds / rounds)
    return [sum(1 for _ in rows)]


print("STAGES BEGIN", flush=True)
for number in range(rounds):
    total = sum(spark.sparkContext.parallelize(range(100), 2).mapPartitions(work).collect())
    print("ROUND", number, total, flush=True)
print("STAGES END", flush=True)
spark.stop()
