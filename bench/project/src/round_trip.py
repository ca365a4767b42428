"""Writes Parquet to HDFS, reads it back, aggregates it, and runs a Python function on executors: right, or it fails."""

from pyspark.sql import SparkSession
from pyspark.sql.functions import udf

spark = SparkSession.builder.appName("round-trip").getOrCreate()
path = "/bench/round-trip"
spark.range(0, 2_000_000).selectExpr("id", "id % 100 AS k", "rand(1) AS v").write.mode("overwrite").parquet(path)
groups = spark.read.parquet(path).groupBy("k").count().count()
add_one = udf(lambda value: value + 1, "long")
total = spark.range(1000).select(add_one("id").alias("z")).agg({"z": "sum"}).collect()[0][0]
assert (groups, total) == (100, 500_500), (groups, total)
print("ROUND TRIP OK")
spark.stop()
