"""Fails twice, then works: each attempt leaves a mark in HDFS."""

from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
jvm = spark.sparkContext._jvm
conf = spark.sparkContext._jsc.hadoopConfiguration()
fs = jvm.org.apache.hadoop.fs.FileSystem.get(conf)
folder = jvm.org.apache.hadoop.fs.Path("/flaky")
fs.mkdirs(folder)
attempt = len(fs.listStatus(folder)) + 1
fs.mkdirs(jvm.org.apache.hadoop.fs.Path(f"/flaky/{attempt}"))
print("ATTEMPT", attempt)
if attempt < 3:
    raise RuntimeError(f"attempt {attempt} fails on purpose")
spark.stop()
