"""A quarter of a minute of computing, most of it in generated code: a sum, a join, a sort. Right, or it fails."""

from pyspark.sql import SparkSession

spark = SparkSession.builder.appName("computing").getOrCreate()

groups = spark.range(0, 200_000_000, numPartitions=8).selectExpr("id % 1000 AS k", "sqrt(id) AS root").groupBy("k")
assert groups.agg({"root": "avg"}).count() == 1000

rows = 4_000_000
left = spark.range(rows).selectExpr("id * 7 % 4000000 AS key", "cast(id AS string) AS text")
right = spark.range(rows).selectExpr("id AS key", "concat('x', id) AS label")
(joined,) = left.join(right, "key").selectExpr("count(*) AS n").collect()
assert joined["n"] == rows, joined

digests = spark.range(rows).selectExpr("md5(cast(id AS string)) AS digest").sort("digest")
(first,) = digests.limit(1).collect()
assert first["digest"].startswith("00000"), first

print("COMPUTING OK")
spark.stop()
