import math
import tempfile
import unittest
from datetime import date, timedelta

from tests import support

import evaluation
import features
import ingest
import predict


class SparkTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.spark = support.local_spark()


TRIPS = [
    (1, 10, "2017-03-01 12:00", 5.0),
    (1, 20, "2017-03-01 18:00", 7.0),
    (1, 10, "2017-03-05 00:00", 9.0),
    (1, 20, "2017-03-09 10:00", 30.0),
    (2, 30, "2017-03-02 08:00", 1.0),
]


def day_number(text: str) -> int:
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


class Features(SparkTest):
    def setUp(self):
        self.prepared = features.prepare_trips(support.make_trips(self.spark, TRIPS))
        self.snapshots = features.snapshot_table(self.spark, [date(2017, 3, 5)])
        self.ahead = features.next_trips(self.prepared, self.snapshots)
        self.past = features.history(self.prepared, self.ahead)

    def test_a_trip_at_midnight_of_the_snapshot_is_ahead_of_it(self):
        rows = {row.household_id: row for row in self.ahead.collect()}
        self.assertEqual((rows[1].last_store, rows[1].next_store, rows[1].next_days_until), (20, 10, 0))
        self.assertEqual(rows[1].next_spend, 9.0)
        self.assertAlmostEqual(rows[1].elapsed, 3.25)
        self.assertEqual((rows[2].last_store, rows[2].next_store), (30, None))

    def test_history_holds_no_trip_of_the_snapshot_or_later_and_nothing_of_the_next(self):
        self.assertEqual(self.past.where("age <= 0").count(), 0)
        self.assertEqual(self.past.count(), 3)
        self.assertFalse([name for name in self.past.columns if name.startswith("next")])

    def test_candidates_count_visits_by_age(self):
        rows = {row.store_id: row for row in features.candidate_features(self.past).where("household_id = 1").collect()}
        self.assertEqual(set(rows), {10, 20})
        self.assertAlmostEqual(rows[10].visits_7, 0.5 ** (3.5 / 7))
        self.assertAlmostEqual(rows[20].spend_60, 7.0 * 0.5 ** (3.25 / 60))
        self.assertEqual((rows[10].visits, rows[10].last_age), (1.0, 3.5))

    def test_rhythm_counts_two_trips_of_a_day_as_one_shopping_day(self):
        row = features.household_rhythm(self.past).where("household_id = 1").first()
        self.assertEqual((row.shopping_days, row.trips_30, row.last_days_ago), (1.0, 2.0, 4))
        self.assertEqual(row.recent_days, 1 << 4)
        # 1 March 2017 was a Wednesday, three weekdays after the snapshot's Sunday.
        self.assertEqual([row[f"trips_weekday_{i}"] for i in range(7)], [0, 0, 0, 2, 0, 0, 0])

    def test_medians_are_of_the_past_only(self):
        row = features.household_medians(self.prepared, self.ahead).where("household_id = 1").first()
        self.assertEqual((row.spend_median, row.spend_upper_quartile, row.spend_median_10), (6.0, 6.5, 6.0))
        self.assertEqual((row.gap_median, row.trips_after_gap, row.spend_after_gap), (0.0, 0.0, None))

    def test_quantile_interpolates(self):
        row = self.spark.sql("select array(4.0D, 1.0D, 3.0D, 2.0D) as v, cast(array() as array<double>) as none").select(
            features.quantile("v", 0.5).alias("half"),
            features.quantile("v", 1.0).alias("all"),
            features.quantile("none", 0.5).alias("none"),
        )
        self.assertEqual(tuple(row.first()), (2.5, 4.0, None))

    def test_outcomes_on_or_after_the_cutoff_are_blanked(self):
        plan = self.spark.createDataFrame(
            [(day_number("2017-03-05"), day_number("2017-03-05")), (day_number("2017-03-06"), day_number("2017-03-05"))],
            "cutoff int, snapshot int",
        )
        candidates = features.candidate_features(self.past).where("household_id = 1")
        rows = predict.training_rows(candidates, self.ahead, plan, ["next_store", "next_day"]).collect()
        seen = {(row.cutoff - row.snapshot, row.next_store, row.next_day) for row in rows}
        self.assertEqual(seen, {(0, None, None), (1, 10, day_number("2017-03-05"))})


class TrainingDates(unittest.TestCase):
    def test_they_lie_on_one_grid_before_the_cutoff(self):
        first, cutoff = date(2017, 1, 1), date(2017, 10, 1)
        days = features.training_dates(cutoff, first)
        self.assertTrue(all((day - first).days % features.SNAPSHOT_STEP_DAYS == 0 for day in days))
        self.assertLessEqual(max(days), cutoff - timedelta(days=features.SETTLING_DAYS))
        self.assertGreaterEqual(min(days), cutoff - timedelta(days=features.TRAINING_DAYS))
        self.assertEqual(len({day.weekday() for day in days}), 7)


class Metrics(SparkTest):
    def test_model_and_baselines_are_compared_on_households_with_a_next_trip(self):
        stores = {f"stores_{name}": [1, 2] for name in evaluation.STORE_PREDICTORS} | {"stores_model": [2, 1]}
        numbers = {name: 5.0 for name in (*evaluation.WAIT_BASELINES, *evaluation.SPEND_BASELINES)}
        known = {"cutoff": day_number("2017-03-05"), "days_until": 3, "weekday": 1, "own_mode": 0, "everyone_mode": 1, "spend": 4.0}
        known |= {"next_store": 2, "next_day": day_number("2017-03-07"), "next_days_until": 2, "next_spend": 8.0}
        known |= stores | numbers
        unknown = known | {"next_store": None, "next_day": None, "next_days_until": None, "next_spend": None}
        names = {"next_store": "long", "next_day": "int", "next_days_until": "int", "next_spend": "double"}
        kinds = {int: "int", float: "double", list: "array<long>"}
        schema = ", ".join(f"{name} {names.get(name) or kinds[type(value)]}" for name, value in known.items())
        table = self.spark.createDataFrame([tuple(row.values()) for row in (known, known, unknown)], schema)
        rows = {row.metric_id: row for row in evaluation.metrics(table, "true").collect()}
        self.assertEqual(len(rows), 2 * (6 + 6 + 3 + 4 + 4))
        self.assertEqual({row.households for row in rows.values()}, {2})
        self.assertEqual(rows["2017-03-05.store_top1.model"].value, 1.0)
        self.assertEqual(rows["pooled.store_top1.last"].advantage, 1.0)
        self.assertEqual(rows["pooled.store_top3.last"].advantage, 0.0)
        self.assertEqual(rows["pooled.weekday.model"].value, 1.0)
        self.assertEqual((rows["pooled.days_until.model"].value, rows["pooled.days_until.own_median_gap"].advantage), (1, 2))
        self.assertEqual(rows["pooled.spend.own_median_spend"].advantage, -1.0)
        self.assertIsNone(rows["pooled.spend.model"].advantage)


class Ingest(SparkTest):
    SCHEMA = (
        "basket_id long, household_id long, store_id long, transaction_timestamp timestamp, sales_value double"
    )

    def trips(self, rows):
        return ingest.to_trips(
            self.spark.createDataFrame(rows, self.SCHEMA.replace("timestamp timestamp", "timestamp string"))
        )

    def test_purchases_become_trips(self):
        at = "2017-01-01 10:00:00"
        trips = self.trips([(1, 7, 3, at, 0.1), (1, 7, 3, at, 0.2), (2, 8, 3, at, 1.0)])
        found = ingest.describe(trips)
        self.assertEqual(found, {"purchases": 3, "trips": 2, "households": 2, "stores": 1, "broken": 0})
        self.assertEqual(trips.where("basket_id = 1").first().spend, 0.3)

    def test_mixed_and_incomplete_baskets_are_counted_as_broken(self):
        at = "2017-01-01 10:00:00"
        trips = self.trips([(1, 7, 3, at, 1.0), (1, 8, 3, at, 1.0), (2, 8, 3, None, 1.0), (3, 8, 3, at, 1.0)])
        self.assertEqual(ingest.describe(trips)["broken"], 2)

    def test_an_empty_table_is_described_by_zeros(self):
        self.assertEqual(set(ingest.describe(self.trips([])).values()), {0})

    def test_every_count_that_is_off_is_named(self):
        found = {"purchases": 1, "trips": 2, "households": 3, "stores": 4, "broken": 5}
        with self.assertRaises(ingest.IngestError) as caught:
            ingest.check(found, {"purchases": 1, "trips": 9, "households": 3, "stores": 8})
        for part in ("trips: 2 found, 9 expected", "stores: 4 found, 8 expected", "5 baskets"):
            self.assertIn(part, str(caught.exception))
        self.assertNotIn("households:", str(caught.exception))


class Job(SparkTest):
    """The whole job on made trips: 40 households that shop every few days at a store of their own, or its neighbour."""

    def made(self, after_cutoff_store: int | None = None):
        rows = []
        for household in range(40):
            for visit in range(60):
                at = date(2017, 1, 1) + timedelta(days=visit * 3 + household % 3)
                store = 100 + household + (visit % 4 == 0)
                if at >= date(2017, 6, 1) and after_cutoff_store:
                    store = after_cutoff_store
                rows.append((household, store, f"{at} 12:00", 10.0 + household + visit % 2))
        return rows

    def predictions(self, rows):
        with tempfile.TemporaryDirectory() as folder:
            support.make_trips(self.spark, rows).write.parquet(f"{folder}/data/trips")
            metrics = predict.predict(self.spark, f"{folder}/data", f"{folder}/out", [date(2017, 6, 1)], None)
            table = self.spark.read.parquet(f"{folder}/out/predictions").collect()
            self.assertEqual(self.spark.read.parquet(f"{folder}/out/metrics").count(), len(metrics))
        return {row.household_id: row.asDict(recursive=True) for row in table}, metrics

    def test_predictions_do_not_depend_on_what_comes_after_the_cutoff(self):
        first, metrics = self.predictions(self.made())
        second, _ = self.predictions(self.made(after_cutoff_store=999))
        self.assertEqual(len(first), 40)
        self.assertEqual({row.households for row in metrics}, {40})
        self.assertEqual(second[0]["actual"]["store_id"], 999)
        for household in first:
            del first[household]["actual"], second[household]["actual"]
        self.assertEqual(first, second)
        self.assertIn(first[0]["weekday"], evaluation.WEEKDAYS)
        self.assertTrue(math.isclose(sum(s["probability"] for s in first[0]["stores"]), 1.0, abs_tol=1e-3))

    def test_missing_trips_and_early_cutoffs_fail_plainly(self):
        with tempfile.TemporaryDirectory() as folder, self.assertRaisesRegex(predict.PredictError, "run the job `ingest`"):
            predict.predict(self.spark, folder, folder, [date(2017, 6, 1)], None)
        with self.assertRaisesRegex(predict.PredictError, "2017-02-01.*at least 90 days"):
            predict.check_cutoffs([date(2017, 2, 1), date(2017, 6, 1)], date(2017, 1, 1), date(2017, 12, 31))

    def test_arguments(self):
        args = predict.parse_args(["--cutoffs", "2017-12-01", "2017-10-01", "--shuffle-labels", "3"])
        self.assertEqual((args.cutoffs, args.shuffle_labels), ([date(2017, 10, 1), date(2017, 12, 1)], 3))
        self.assertEqual((args.data, args.out), ("/data/geopredict", "/results"))


if __name__ == "__main__":
    unittest.main()
