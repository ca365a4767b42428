"""What is known about each household on each snapshot date, from the trips before that date only; built in Spark SQL.

A snapshot is a date at which the app looks at a household as if the future were unknown. Cut-off dates are snapshots
that are scored; earlier ones are examples to train on. Every aggregate below joins a trip to a snapshot under
`trip time < snapshot`, so no feature can see past its own date.
"""

from datetime import date, timedelta

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.window import Window

from models import FAST_WEEKDAY_HALF_LIFE, HALF_LIVES, PACE_HALF_LIVES, RECENT_DAYS, SLOW_WEEKDAY_HALF_LIFE

# Training snapshots are 15 days apart: no multiple of a week, so that they fall on all weekdays in turn.
SNAPSHOT_STEP_DAYS = 15
# Snapshots reach back this far, and end this long before the cut-off, when most next trips are known.
TRAINING_DAYS = 150
SETTLING_DAYS = 10
# Snapshots begin this long after the first trip, when there is a little past to describe.
LEAST_HISTORY_DAYS = 30


def training_dates(cutoff: date, first: date) -> list[date]:
    """Snapshots to train on for one cut-off. They lie on one fixed grid, so that several cut-offs share them."""
    grid = [first + timedelta(days=i) for i in range(0, (cutoff - first).days, SNAPSHOT_STEP_DAYS)]
    earliest = max(cutoff - timedelta(days=TRAINING_DAYS), first + timedelta(days=LEAST_HISTORY_DAYS))
    latest = cutoff - timedelta(days=SETTLING_DAYS)
    return [day for day in grid if earliest <= day <= latest]


def snapshot_table(spark: SparkSession, dates: list[date]) -> DataFrame:
    """Snapshot dates as day numbers and as instants (midnight in the session's time zone, in days since 1970)."""
    table = spark.createDataFrame([(day,) for day in sorted(set(dates))], "snapshot date")
    return table.select(
        F.unix_date("snapshot").alias("snapshot"),
        (F.unix_timestamp(F.col("snapshot").cast("timestamp")) / 86400).alias("snapshot_at"),
    )


def prepare_trips(trips: DataFrame) -> DataFrame:
    """Each trip with the one before and the one after it of the same household, partitioned by household."""
    in_order = Window.partitionBy("household_id").orderBy("at", "basket_id")
    at = F.unix_timestamp("visited_at") / 86400
    day = F.unix_date(F.to_date("visited_at"))
    return (
        trips.select("household_id", "basket_id", "store_id", "spend", at.alias("at"), day.alias("day"))
        .withColumn("position", F.row_number().over(in_order))
        .withColumn("previous_store", F.lag("store_id").over(in_order))
        .withColumn("gap_days", F.col("day") - F.lag("day").over(in_order))
        .withColumn("gap", F.col("at") - F.lag("at").over(in_order))
        .withColumn("next_store", F.lead("store_id").over(in_order))
        .withColumn("next_at", F.lead("at").over(in_order))
        .withColumn("next_day", F.lead("day").over(in_order))
        .withColumn("next_spend", F.lead("spend").over(in_order))
        # The first trip of a day: several trips of one day are one shopping day.
        .withColumn("opens_day", F.coalesce(F.col("gap_days") > 0, F.lit(True)))
    )


def next_trips(prepared: DataFrame, snapshots: DataFrame) -> DataFrame:
    """One row per household and snapshot: the last trip before it, and the next one after it where there is one."""
    around = (F.col("at") < F.col("snapshot_at")) & (
        F.col("next_at").isNull() | (F.col("next_at") >= F.col("snapshot_at"))
    )
    return prepared.join(F.broadcast(snapshots), around).select(
        "household_id",
        "snapshot",
        "snapshot_at",
        F.col("store_id").alias("last_store"),
        F.col("position").alias("last_position"),
        (F.col("snapshot_at") - F.col("at")).alias("elapsed"),
        "next_store",
        "next_day",
        (F.col("next_day") - F.col("snapshot")).alias("next_days_until"),
        "next_spend",
    )


def history(prepared: DataFrame, ahead: DataFrame) -> DataFrame:
    """Every trip before each snapshot, with its age in days and the household's last store on that date."""
    state = ahead.select("household_id", "snapshot", "snapshot_at", "last_store")
    # The next trip of a past one may lie after the snapshot.
    without_next = prepared.drop("next_store", "next_at", "next_day", "next_spend")
    # Both sides are partitioned by household already: a hash join needs neither a shuffle nor a sort.
    return (
        without_next.join(state.hint("shuffle_hash"), "household_id")
        .where(F.col("at") < F.col("snapshot_at"))
        .withColumn("age", F.col("snapshot_at") - F.col("at"))
    )


def decayed(half_life: float) -> Column:
    """The weight of a trip: 1 when it has just happened, halved every `half_life` days."""
    return F.exp(F.col("age") * F.lit(-0.6931471805599453 / half_life))


def sum_if(condition: Column, value: Column) -> Column:
    return F.sum(F.when(condition, value).otherwise(0.0))


def candidate_features(past: DataFrame) -> DataFrame:
    """One row per household, snapshot and store the household has been to."""
    same_weekday_or_next = F.pmod(F.col("day") - F.col("snapshot"), F.lit(7)) < 2
    return past.groupBy("household_id", "snapshot", "store_id").agg(
        *[F.sum(decayed(days)).alias(f"visits_{days}") for days in HALF_LIVES],
        F.count("*").cast("double").alias("visits"),
        F.min("age").alias("last_age"),
        F.max("age").alias("first_age"),
        F.sum(decayed(60) * F.col("spend")).alias("spend_60"),
        sum_if(same_weekday_or_next, decayed(60)).alias("weekday_visits_60"),
        sum_if(F.col("previous_store") == F.col("last_store"), decayed(120)).alias("after_last_120"),
        sum_if(F.col("age") < 21, F.lit(1.0)).alias("visits_3_weeks"),
        sum_if((F.col("age") >= 21) & (F.col("age") < 84), F.lit(1.0)).alias("visits_9_weeks_before"),
    )


def household_rhythm(past: DataFrame) -> DataFrame:
    """One row per household and snapshot: how often and on which days it shops, and what it spends on average."""
    shopping_day = F.col("opens_day")
    days_ago = F.col("snapshot") - F.col("day")
    # 0 = the snapshot's own weekday, 1 = the next one, ...
    weekday = F.pmod(F.col("day") - F.col("snapshot"), F.lit(7))
    recent_bit = F.when(days_ago <= RECENT_DAYS, F.call_function("shiftleft", F.lit(1), days_ago)).otherwise(0)
    return past.groupBy("household_id", "snapshot").agg(
        F.min(days_ago).alias("last_days_ago"),
        F.max(days_ago).alias("first_days_ago"),
        F.count_if(shopping_day).cast("double").alias("shopping_days"),
        *[sum_if(shopping_day, decayed(days)).alias(f"pace_{days}") for days in PACE_HALF_LIVES],
        *[
            sum_if(shopping_day & (weekday == i), decayed(half_life)).alias(f"{name}_weekday_{i}")
            for name, half_life in (("slow", SLOW_WEEKDAY_HALF_LIFE), ("fast", FAST_WEEKDAY_HALF_LIFE))
            for i in range(7)
        ],
        *[F.count_if(weekday == i).cast("double").alias(f"trips_weekday_{i}") for i in range(7)],
        F.bit_or(recent_bit).alias("recent_days"),
        F.avg("spend").alias("spend_mean"),
        (F.sum(decayed(60) * F.log1p("spend")) / F.sum(decayed(60))).alias("spend_log_60"),
        F.sum(decayed(60) * F.col("spend")).alias("spend_60"),
        F.count_if(F.col("age") <= 30).cast("double").alias("trips_30"),
    )


def quantile(values: Column, q: float) -> Column:
    """The quantile of an array without nulls, interpolated; null for an empty array."""
    # Sorting short arrays is several times faster than the aggregate `percentile` over as many groups.
    ordered = F.sort_array(values)
    place = q * (F.size(values) - 1)
    below = F.get(ordered, F.floor(place).cast("int"))
    above = F.get(ordered, F.ceil(place).cast("int"))
    return below + (place - F.floor(place)) * (above - below)


def household_medians(prepared: DataFrame, ahead: DataFrame) -> DataFrame:
    """One row per household and snapshot: medians over its trips before the snapshot.

    Each household's trips are listed once; those before a snapshot are the first `last_position` of the list.
    """
    trip = F.struct("position", "spend", "gap", "gap_days")
    lists = prepared.groupBy("household_id").agg(F.sort_array(F.collect_list(trip)).alias("trips"))
    so_far = F.slice("trips", 1, F.col("last_position"))
    last_ten = F.slice("trips", F.greatest(F.col("last_position") - 9, F.lit(1)), F.least("last_position", F.lit(10)))
    # After an absence as long as the present one, at least.
    after_gap = F.filter(so_far, lambda t: t["gap"] >= F.col("elapsed"))["spend"]
    return ahead.join(lists, "household_id").select(
        "household_id",
        "snapshot",
        "elapsed",
        quantile(so_far["spend"], 0.5).alias("spend_median"),
        quantile(so_far["spend"], 0.75).alias("spend_upper_quartile"),
        quantile(last_ten["spend"], 0.5).alias("spend_median_10"),
        quantile(after_gap, 0.5).alias("spend_after_gap"),
        F.size(after_gap).cast("double").alias("trips_after_gap"),
        quantile(F.array_compact(so_far["gap_days"]), 0.5).alias("gap_median"),
    )
