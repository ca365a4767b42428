"""Predicts each household's next shopping trip: which store, which weekday, in how many days, about what spend.

For every cut-off date the models learn from trips before it only, predict the trip that follows, and are compared with
simple predictors on the households whose next trip is known. Predictions are written for the latest cut-off.
"""

import argparse
import sys
from datetime import date
from pathlib import Path

import pandas as pd
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

import evaluation
import features
import models

SOURCE = Path(__file__).resolve().parent

# A cut-off needs this much past: snapshots to train on, and later ones to choose settings on.
LEAST_PAST_DAYS = 90


class PredictError(Exception):
    """The job cannot give what was asked of it."""


def parse_args(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="/data/geopredict", help="folder that ingest wrote (default: %(default)s)")
    parser.add_argument("--out", default="/results", help="folder of the results (default: %(default)s)")
    parser.add_argument(
        "--cutoffs",
        nargs="+",
        type=date.fromisoformat,
        default=[date(2017, 10, 1), date(2017, 11, 1), date(2017, 12, 1)],
        metavar="DATE",
        help="dates whose next trips are predicted, as YYYY-MM-DD; predictions are those of the latest",
    )
    parser.add_argument(
        "--shuffle-labels",
        type=int,
        metavar="SEED",
        help="a control: learn from shuffled outcomes, after which the model must have no advantage left",
    )
    args = parser.parse_args(arguments)
    args.cutoffs = sorted(set(args.cutoffs))
    return args


def read_trips(spark: SparkSession, data: str) -> DataFrame:
    path = f"{data}/trips"
    try:
        return spark.read.parquet(path)
    except AnalysisException as error:
        raise PredictError(f"There are no trips at {path}: run the job `ingest` first ({error.getCondition()})") from error


def check_cutoffs(cutoffs: list[date], first: date, last: date) -> None:
    """A cut-off after the last trip is fine: it is predicted, and has nothing to be compared with."""
    early = [str(c) for c in cutoffs if (c - first).days < LEAST_PAST_DAYS]
    if early:
        raise PredictError(
            f"{', '.join(early)}: a cut-off must be at least {LEAST_PAST_DAYS} days after the first trip ({first}); "
            f"trips end on {last}"
        )


def training_rows(rows: DataFrame, ahead: DataFrame, plan: DataFrame, outcome: list[str]) -> DataFrame:
    """Features of each cut-off's snapshots, with outcomes blanked unless they happened before the cut-off.

    From here on no executor can see what it is asked to predict.
    """
    known = F.col("next_day") < F.col("cutoff")
    return (
        rows.join(F.broadcast(ahead.select("household_id", "snapshot", *outcome)), ["household_id", "snapshot"])
        .join(F.broadcast(plan), "snapshot")
        .select("cutoff", *rows.columns, *[F.when(known, F.col(name)).alias(name) for name in outcome])
    )


def score(candidates: DataFrame, households: DataFrame, seed: int | None) -> tuple[DataFrame, DataFrame]:
    """Fits and applies the models, one task per cut-off and kind of model."""
    settling = features.SETTLING_DAYS

    def rank_stores(key: tuple, rows: pd.DataFrame) -> pd.DataFrame:
        cutoff = int(key[0])
        return models.rank_stores(rows.drop(columns="cutoff"), cutoff, settling, seed).assign(cutoff=cutoff)

    def predict_visits(key: tuple, rows: pd.DataFrame) -> pd.DataFrame:
        cutoff = int(key[0])
        return models.predict_visits(rows.drop(columns="cutoff"), cutoff, settling, seed).assign(cutoff=cutoff)

    lists = ", ".join(f"stores_{name} array<bigint>" for name in evaluation.STORE_PREDICTORS)
    stores = candidates.groupBy("cutoff").applyInPandas(
        rank_stores, f"cutoff int, household_id bigint, {lists}, store_probabilities array<double>"
    )
    numbers = ", ".join(f"{name} double" for name in [*evaluation.WAIT_BASELINES, *evaluation.SPEND_BASELINES])
    visits = households.groupBy("cutoff").applyInPandas(
        predict_visits,
        "cutoff int, household_id bigint, days_until int, weekday int, weekday_probability double, spend double, "
        f"own_mode int, everyone_mode int, {numbers}",
    )
    return stores, visits


def predictions(scored: DataFrame, cutoff: date) -> DataFrame:
    """One row per household, in the form in which it is served; `actual` is what happened, where that is known."""
    names = F.array(*[F.lit(name) for name in evaluation.WEEKDAYS])
    top = F.arrays_zip(F.col("stores_model").alias("store_id"), F.col("store_probabilities").alias("probability"))
    return (
        scored.where(F.date_from_unix_date("cutoff") == F.lit(cutoff))
        .select(
            "household_id",
            F.lit(cutoff).alias("as_of"),
            F.col("stores_model")[0].alias("store_id"),
            F.col("store_probabilities")[0].alias("store_probability"),
            top.alias("stores"),
            names[F.col("weekday")].alias("weekday"),
            "weekday_probability",
            "days_until",
            "spend",
            F.when(
                F.col("next_store").isNotNull(),
                F.struct(
                    F.col("next_store").alias("store_id"),
                    names[evaluation.weekday_of(F.col("next_day"))].alias("weekday"),
                    F.col("next_days_until").alias("days_until"),
                    F.col("next_spend").alias("spend"),
                ),
            ).alias("actual"),
        )
        .orderBy("household_id")
    )


def predict(spark: SparkSession, data: str, out: str, cutoffs: list[date], seed: int | None) -> list[Row]:
    trips = read_trips(spark, data)
    first, last = trips.select(F.min(F.to_date("visited_at")), F.max(F.to_date("visited_at"))).first()
    if first is None:
        raise PredictError(f"{data}/trips is empty: run the job `ingest` again")
    check_cutoffs(cutoffs, first, last)

    plan_rows = [(c, day) for c in cutoffs for day in [*features.training_dates(c, first), c]]
    plan = spark.createDataFrame(plan_rows, "cutoff date, snapshot date").select(
        F.unix_date("cutoff").alias("cutoff"), F.unix_date("snapshot").alias("snapshot")
    )
    snapshots = features.snapshot_table(spark, [day for _, day in plan_rows])

    prepared = features.prepare_trips(trips).cache()
    ahead = features.next_trips(prepared, snapshots).cache()
    past = features.history(prepared, ahead)
    households = features.household_rhythm(past).join(
        features.household_medians(prepared, ahead), ["household_id", "snapshot"]
    )
    stores, visits = score(
        training_rows(features.candidate_features(past), ahead, plan, ["next_store", "next_day"]),
        training_rows(households, ahead, plan, ["next_day", "next_days_until", "next_spend"]),
        seed,
    )
    key = ["cutoff", "household_id"]
    scored = (
        ahead.withColumnRenamed("snapshot", "cutoff")
        .join(F.broadcast(stores), key)
        .join(F.broadcast(visits), key)
        .cache()
    )
    labels = "true" if seed is None else f"shuffled with seed {seed}"
    metrics = evaluation.metrics(scored, labels)
    rows = metrics.collect()
    predictions(scored, cutoffs[-1]).coalesce(1).write.mode("overwrite").parquet(f"{out}/predictions")
    spark.createDataFrame(rows, metrics.schema).coalesce(1).write.mode("overwrite").parquet(f"{out}/metrics")
    return rows


def report(rows: list[Row]) -> str:
    """The metrics as a table for the log."""
    lines = [f"{'cut-off':<11}{'target':<12}{'predictor':<23}{'value':>8}{'model better by':>17}{'households':>12}"]
    for row in rows:
        lead = "" if row.advantage is None else f"{row.advantage:+.4f} ±{row.advantage_error:.4f}"
        lines.append(
            f"{row.cutoff:<11}{row.target:<12}{row.predictor:<23}{row.value:>8.4f}{lead:>17}{row.households:>12,}"
        )
    return "\n".join(lines)


def main() -> int:
    args = parse_args(sys.argv[1:])
    spark = SparkSession.builder.appName("geopredict-predict").getOrCreate()
    # Executors run `models` but have no copy of the app's folder.
    spark.sparkContext.addPyFile(str(SOURCE / "models.py"))
    try:
        rows = predict(spark, args.data, args.out, args.cutoffs, args.shuffle_labels)
    except PredictError as error:
        print(f"predict failed: {error}", file=sys.stderr)
        return 1
    finally:
        spark.stop()
    print(report(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
