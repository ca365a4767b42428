"""The smallest job: counts, and says so."""

from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
print("COUNTED", spark.range(1000).count())
spark.stop()
