"""The smallest PySpark job that runs on executors."""

from pyspark.sql import SparkSession

spark = SparkSession.builder.appName("trivial").getOrCreate()
assert spark.range(1000).count() == 1000
print("TRIVIAL OK")
spark.stop()
