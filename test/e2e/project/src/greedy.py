"""Asks for executors larger than any worker."""

from pyspark.sql import SparkSession

spark = SparkSession.builder.config("spark.executor.memory", "64g").getOrCreate()
print(spark.range(10).count())
