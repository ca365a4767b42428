"""Counts the words of a few sentences and publishes the counts as the result `words`."""

from pyspark.sql import SparkSession
from pyspark.sql import functions as f

SENTENCES = [
    "a spark is enough to start a fire",
    "a plug is enough to start a spark",
    "a cluster is many machines that act as one",
]


def count_words(sentences):
    """One row for each word: `word`, `count`."""
    words = f.explode(f.split(f.lower("sentence"), r"\s+")).alias("word")
    return sentences.select(words).groupBy("word").agg(f.count("*").alias("count"))


if __name__ == "__main__":
    spark = SparkSession.builder.getOrCreate()
    sentences = spark.createDataFrame([(line,) for line in SENTENCES], "sentence string")
    counts = count_words(sentences)
    # A path without a scheme is in the cluster's HDFS.
    counts.coalesce(1).write.mode("overwrite").parquet("/results/words")
    counts.orderBy(f.desc("count"), "word").show(5)
