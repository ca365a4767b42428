"""Writes two results that `web` serves: the name that every person gets, and perhaps another name for `score`."""

import sys

from pyspark.sql import SparkSession

name = sys.argv[1] if len(sys.argv) > 1 else "ada"
spark = SparkSession.builder.getOrCreate()
people = spark.range(100).selectExpr("id", f"'{name}' AS name", "CAST(id AS DOUBLE) * 1.5 AS score")
people = people.withColumnRenamed("score", sys.argv[2] if len(sys.argv) > 2 else "score")
people.write.mode("overwrite").parquet("/results/people")
spark.range(300).selectExpr("id % 100 AS id", "id AS visit").write.mode("overwrite").parquet("/results/visits")
spark.stop()
