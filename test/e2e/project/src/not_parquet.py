"""Writes text where Parquet is promised."""

from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
spark.range(10).selectExpr("CAST(id AS STRING)").write.mode("overwrite").text("/results/text")
spark.stop()
