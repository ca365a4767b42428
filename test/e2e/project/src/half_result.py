"""Dies with half of its result written."""

import os

from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
spark.range(10).write.mode("overwrite").parquet("/results/half/_temporary/0/part-00000")
os._exit(0)
