"""Compares the model with simple predictors, on the same households: those with a trip before and one after a cut-off."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

POOLED = "pooled"

STORE_PREDICTORS = ("model", "most_frequent", "last", "half_life_30", "half_life_45", "half_life_60")
WAIT_BASELINES = ("own_median_gap", "own_median_wait", "everyone_median_wait")
SPEND_BASELINES = ("own_median_spend", "own_median_last_10", "everyone_median_spend")


def weekday_of(day: Column) -> Column:
    """Monday is 0. Day 0 of the epoch was a Thursday."""
    return F.pmod(day + 3, F.lit(7)).cast("int")


def outcomes(scored: DataFrame) -> DataFrame:
    """One row per cut-off, household, target and predictor: right or wrong (1 or 0), or the absolute error."""
    entries = []

    def add(target: str, unit: str, better: str, value_of: dict[str, Column]) -> None:
        for predictor, value in value_of.items():
            entries.append(
                F.struct(
                    F.lit(target).alias("target"),
                    F.lit(unit).alias("unit"),
                    F.lit(better).alias("better"),
                    F.lit(predictor).alias("predictor"),
                    value.cast("double").alias("value"),
                    value_of["model"].cast("double").alias("model_value"),
                )
            )

    for count in (1, 3):
        add(
            f"store_top{count}",
            "share of households",
            "higher",
            {
                name: F.array_contains(F.slice(f"stores_{name}", 1, count), F.col("next_store"))
                for name in STORE_PREDICTORS
            },
        )
    actual_weekday = weekday_of(F.col("next_day"))
    add(
        "weekday",
        "share of households",
        "higher",
        {
            name: F.col(column) == actual_weekday
            for name, column in (("model", "weekday"), ("own_mode", "own_mode"), ("everyone_mode", "everyone_mode"))
        },
    )

    def errors(predicted: dict[str, str], actual: str) -> dict[str, Column]:
        return {name: F.abs(F.col(column) - F.col(actual)) for name, column in predicted.items()}

    add("days_until", "days", "lower", errors({"model": "days_until"} | {n: n for n in WAIT_BASELINES}, "next_days_until"))
    add("spend", "dollars", "lower", errors({"model": "spend"} | {n: n for n in SPEND_BASELINES}, "next_spend"))

    return (
        scored.where(F.col("next_store").isNotNull())
        .select(
            F.explode(F.array(F.date_from_unix_date("cutoff").cast("string"), F.lit(POOLED))).alias("cutoff"),
            F.array(*entries).alias("entries"),
        )
        .select("cutoff", F.inline("entries"))
    )


def metrics(scored: DataFrame, labels: str) -> DataFrame:
    """Tidy rows, one per cut-off (and all pooled), target and predictor.

    `advantage` is by how much the model is better than this predictor (negative: worse), `advantage_error` the standard
    error of that difference over the same households.
    """
    lead = F.col("model_value") - F.col("value")
    advantage = F.when(F.col("better") == "higher", lead).otherwise(-lead)
    is_baseline = F.col("predictor") != "model"
    return (
        outcomes(scored)
        .groupBy("cutoff", "target", "predictor", "unit", "better")
        .agg(
            F.avg("value").alias("value"),
            F.count("*").alias("households"),
            F.avg(F.when(is_baseline, advantage)).alias("advantage"),
            (F.stddev_samp(F.when(is_baseline, advantage)) / F.sqrt(F.count("*"))).alias("advantage_error"),
        )
        .select(
            F.concat_ws(".", "cutoff", "target", "predictor").alias("metric_id"),
            "cutoff",
            "target",
            "predictor",
            F.round("value", 4).alias("value"),
            "unit",
            "better",
            F.round("advantage", 4).alias("advantage"),
            F.round("advantage_error", 4).alias("advantage_error"),
            "households",
            F.lit(labels).alias("labels"),
        )
        .orderBy("cutoff", "target", "predictor")
    )
