import unittest

import numpy as np
import pandas as pd

from tests import support  # noqa: F401  (puts src on the path)

import models


class Solvers(unittest.TestCase):
    def test_softmax_sums_to_one_in_each_group(self):
        p = models.softmax(np.array([0.0, 0.0, 1000.0, 1000.0, 0.0]), np.array([0, 2]))
        np.testing.assert_allclose(p, [0.5, 0.5, 0.5, 0.5, 0.0], atol=1e-12)

    def test_group_starts_sees_changes_of_any_key(self):
        starts = models.group_starts(np.array([1, 1, 1, 2]), np.array([5, 5, 6, 6]))
        self.assertEqual(starts.tolist(), [0, 2, 3])

    def test_conditional_logit_finds_the_weights_that_made_the_choices(self):
        rng = np.random.default_rng(0)
        groups, size, true = 4000, 4, np.array([1.5, -0.7])
        x = rng.normal(size=(groups * size, 2))
        starts = np.arange(0, groups * size, size)
        utility = (x @ true + rng.gumbel(size=groups * size)).reshape(groups, size)
        chosen = (utility == utility.max(axis=1, keepdims=True)).astype(float).ravel()
        np.testing.assert_allclose(models.fit_conditional_logit(x, chosen, starts, 1e-6), true, atol=0.1)

    def test_conditional_logit_ignores_groups_without_a_choice(self):
        x = np.array([[1.0], [0.0], [0.0], [1.0], [9.0], [0.0]])
        chosen = np.array([1.0, 0.0, 1.0, 0.0, 0.0, 0.0])
        with_it = models.fit_conditional_logit(x, chosen, np.array([0, 2, 4]), 1.0)
        without = models.fit_conditional_logit(x[:4], chosen[:4], np.array([0, 2]), 1.0)
        np.testing.assert_allclose(with_it, without)
        self.assertEqual(models.fit_conditional_logit(x[4:], chosen[4:], np.array([0]), 1.0).tolist(), [0.0])

    def test_logit_of_a_constant_is_the_log_odds(self):
        y = np.array([1.0] * 3 + [0.0])
        self.assertAlmostEqual(models.fit_logit(np.ones((4, 1)), y, 1e-9)[0], np.log(3), places=4)

    def test_median_fit_of_a_constant_is_the_median(self):
        y = np.array([1.0, 2.0, 3.0, 50.0, 900.0])
        self.assertAlmostEqual(models.fit_median(np.ones((5, 1)), y)[0], 3.0, delta=0.1)

    def test_standardizer_turns_constant_columns_into_zero(self):
        x = np.array([[1.0, 7.0], [3.0, 7.0]])
        np.testing.assert_allclose(models.Standardizer(x)(x), [[-1, 0], [1, 0]])


class Settings(unittest.TestCase):
    def test_choose_takes_the_least_loss(self):
        self.assertEqual(models.choose([3, 1, 2], lambda s: (s - 2) ** 2), 2)

    def test_training_outcomes_come_before_the_first_validation_snapshot(self):
        snapshot = np.array([50, 60, 60, 65, 80, 90])
        outcome = np.array([55, 64, 66, 70, 85, 95])
        earlier, later = models.split_by_time(snapshot, outcome, cutoff=100, settling=5)
        self.assertEqual(snapshot[later].tolist(), [65, 80, 90])
        self.assertEqual(outcome[earlier].tolist(), [55, 64])


class Shuffling(unittest.TestCase):
    def test_values_stay_in_their_group(self):
        values, starts = np.arange(100), np.array([0, 30, 31])
        shuffled = models.shuffle_within(values, starts, seed=1)
        self.assertNotEqual(shuffled.tolist(), values.tolist())
        for a, b in ((0, 30), (30, 31), (31, 100)):
            self.assertEqual(sorted(shuffled[a:b]), list(range(a, b)))
        self.assertEqual(shuffled.tolist(), models.shuffle_within(values, starts, seed=1).tolist())


class Days(unittest.TestCase):
    def test_expand_days_ends_with_the_day_of_the_trip(self):
        row, ahead = models.expand_days(np.array([0, 2]))
        self.assertEqual(row.tolist(), [0, 1, 1, 1])
        self.assertEqual(ahead.tolist(), [0, 0, 1, 2])

    def test_expand_days_ends_with_the_horizon(self):
        row, _ = models.expand_days(np.array([500]))
        self.assertEqual(len(row), models.HORIZON_DAYS)

    def test_median_day_is_where_half_is_reached(self):
        p = np.zeros((2, models.HORIZON_DAYS))
        p[0, :3] = [0.3, 0.1, 0.2]
        p[1, 0] = 0.4
        self.assertEqual(models.median_day(p).tolist(), [2, models.HORIZON_DAYS])

    def test_weekday_probabilities_add_up_days_of_the_same_weekday(self):
        p = np.zeros((1, models.HORIZON_DAYS))
        p[0, [1, 8, 2]] = [0.2, 0.2, 0.1]
        np.testing.assert_allclose(models.weekday_probabilities(p, np.array([6]))[0], [0.8, 0.2, 0, 0, 0, 0, 0])

    def test_a_weekly_shopper_is_expected_on_its_day(self):
        # Snapshots on every weekday; each household shops every Monday (day 4 of the epoch was one).
        rows = []
        for snapshot in range(700, 760, 3):
            since = (snapshot - 4 - 1) % 7 + 1
            for household in range(20):
                rows.append(weekly_household(household, snapshot, since))
        h = pd.DataFrame(rows)
        out = models.predict_visits(h, cutoff=757, settling=3, shuffle_seed=None)
        self.assertEqual(set(out["weekday"]), {0})
        self.assertEqual(set(out["own_mode"]), {0})
        self.assertEqual(set(out["days_until"]), {(4 - 757) % 7})


def weekly_household(household: int, snapshot: int, since: int) -> dict:
    wait = 7 - since
    monday = [float(i == wait % 7) for i in range(7)]
    row = {
        "household_id": household,
        "snapshot": snapshot,
        "elapsed": float(since),
        "last_days_ago": since,
        "first_days_ago": since + 70,
        "shopping_days": 11.0,
        "recent_days": sum(1 << k for k in (since, since + 7, since + 14) if k <= models.RECENT_DAYS),
        "gap_median": 7.0,
        "spend_mean": 10.0 + household,
        "spend_median": 10.0 + household,
        "spend_upper_quartile": 10.0 + household,
        "spend_median_10": 10.0 + household,
        "spend_log_60": np.log1p(10.0 + household),
        "spend_60": 9.0 * (10.0 + household),
        "spend_after_gap": None if since > 5 else 10.0 + household,
        "trips_after_gap": 0.0 if since > 5 else 4.0,
        "trips_30": 4.0,
        "next_day": snapshot + wait if snapshot < 750 else None,
        "next_days_until": wait if snapshot < 750 else None,
        "next_spend": 10.0 + household if snapshot < 750 else None,
    }
    row |= {f"pace_{days}": days / np.log(2) / 7 for days in models.PACE_HALF_LIVES}
    for i in range(7):
        row |= {f"{name}_weekday_{i}": 8 * monday[i] for name in ("slow", "fast")}
        row[f"trips_weekday_{i}"] = 11 * monday[i]
    return row


class Stores(unittest.TestCase):
    def candidates(self) -> pd.DataFrame:
        """Each household has an old favourite and a recent one, and always goes to the recent one."""
        rows = []
        for snapshot in range(10, 101, 10):
            for household in range(30):
                for store, visits, recent, age in ((1, 20.0, 0.5, 40.0), (2, 5.0, 3.0, 2.0)):
                    row = {"household_id": household, "snapshot": snapshot, "store_id": store, "visits": visits}
                    row |= {f"visits_{days}": recent for days in models.HALF_LIVES}
                    row |= {"last_age": age, "first_age": 80.0, "spend_60": recent * 10, "weekday_visits_60": recent}
                    row |= {"after_last_120": recent, "visits_3_weeks": 1.0, "visits_9_weeks_before": 2.0}
                    known = snapshot < 100
                    row |= {"next_store": 2 if known else None, "next_day": snapshot + 3 if known else None}
                    rows.append(row)
        return pd.DataFrame(rows)

    def test_learns_from_choices_what_counting_misses(self):
        out = models.rank_stores(self.candidates(), cutoff=100, settling=10, shuffle_seed=None)
        self.assertEqual(len(out), 30)
        self.assertTrue(all(stores == [2, 1] for stores in out["stores_model"]))
        self.assertTrue(all(stores == [1, 2] for stores in out["stores_most_frequent"]))
        self.assertTrue(all(abs(sum(p) - 1) < 1e-3 for p in out["store_probabilities"]))

    def test_shuffled_choices_teach_nothing(self):
        out = models.rank_stores(self.candidates(), cutoff=100, settling=10, shuffle_seed=3)
        self.assertTrue(all(max(p) < 0.65 for p in out["store_probabilities"]))

    def test_ties_go_to_the_lower_store_number(self):
        c = pd.DataFrame({"household_id": [1] * 4, "store_id": [9, 7, 8, 1], "score": [1.0, 1.0, 2.0, 0.0]})
        self.assertEqual(models.top_rows(c, "score")["store_id"].tolist(), [8, 7, 9])


if __name__ == "__main__":
    unittest.main()
