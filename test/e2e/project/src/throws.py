"""Fails as user code does."""

from pyspark.sql import SparkSession

SparkSession.builder.getOrCreate()
raise ValueError("the marker of a job that throws")
