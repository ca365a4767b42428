"""What the tests share: the app's folder on the path, one local Spark, and made trips."""

import os
import sys
from datetime import datetime
from pathlib import Path

from pyspark.sql import SparkSession

SOURCE = str(Path(__file__).resolve().parents[1] / "src")
if SOURCE not in sys.path:
    sys.path.insert(0, SOURCE)

# Python workers are the interpreter that runs the tests, and find the app's modules.
os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [SOURCE, os.environ.get("PYTHONPATH")]))

TRIPS = "household_id long, basket_id long, store_id long, visited_at timestamp, spend double"


def local_spark():
    """One session for all tests; it ends with the process."""
    spark = (
        SparkSession.builder.master("local[2]")
        .appName("geopredict-tests")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("OFF")
    return spark


def make_trips(spark, rows):
    """Trips from (household, store, "2017-03-01 12:00", spend)."""
    # The session's clock is UTC; a literal is read by it whatever the time zone of this machine.
    table = spark.createDataFrame(
        [(h, i, s, f"{datetime.fromisoformat(at):%Y-%m-%d %H:%M:%S}", v) for i, (h, s, at, v) in enumerate(rows)],
        TRIPS.replace("timestamp", "string"),
    )
    return table.withColumn("visited_at", table.visited_at.cast("timestamp"))
