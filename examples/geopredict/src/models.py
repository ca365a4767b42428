"""The three models, in numpy: which store, which day, what spend. They run inside executors, one cut-off at a time.

Each is a small convex problem (some 10 to 30 weights, 100,000 to 300,000 rows) that a few Newton steps solve in well
under a second; as Spark ML jobs the same fits would cost a Spark stage per step. Nothing here knows Spark, and no
function sees an outcome on or after the cut-off: `predict.py` removes them before the rows get here.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

# The day of the next trip is modelled for this many days; later means "in HORIZON_DAYS days or more".
HORIZON_DAYS = 28
# Settings are chosen on the trips that follow the last snapshots of the training period, this many days of them.
VALIDATION_DAYS = 30

# What the models want of features.py.
# Days in which the weight of a visit halves. The store model gets all of them and learns which to trust.
HALF_LIVES = (7, 15, 30, 45, 60, 120)
# The weight of a shopping day halves in these many days: for the pace of shopping, and for its weekdays.
PACE_HALF_LIVES = (14, 30, 90)
SLOW_WEEKDAY_HALF_LIFE, FAST_WEEKDAY_HALF_LIFE = 90, 25
# Shopping days of the last three weeks are kept one by one, as bits of an integer: bit k is "k days ago".
RECENT_DAYS = 21

Array = np.ndarray


class Standardizer:
    """Brings columns to mean 0 and deviation 1, so that one ridge suits all; constant columns become 0."""

    def __init__(self, x: Array):
        self.mean = x.mean(axis=0)
        deviation = x.std(axis=0)
        self.scale = np.where(deviation > 1e-9, deviation, np.inf)

    def __call__(self, x: Array) -> Array:
        return (x - self.mean) / self.scale


# --- Solvers -----------------------------------------------------------------------------------------------------


def group_starts(*keys: Array) -> Array:
    """Where a new group begins in rows sorted by `keys`."""
    changes = np.zeros(len(keys[0]), dtype=bool)
    changes[:1] = True
    for key in keys:
        changes[1:] |= key[1:] != key[:-1]
    return np.flatnonzero(changes)


def group_index(starts: Array, rows: int) -> Array:
    """The number of its group, for each row."""
    return np.repeat(np.arange(len(starts)), np.diff(np.append(starts, rows)))


def softmax(utility: Array, starts: Array) -> Array:
    """Probabilities within each group."""
    group = group_index(starts, len(utility))
    e = np.exp(utility - np.maximum.reduceat(utility, starts)[group])
    return e / np.add.reduceat(e, starts)[group]


def newton(step: Callable[[Array], tuple[Array, Array]], weights: int) -> Array:
    """Climbs a concave function whose gradient and negative Hessian `step` returns."""
    w = np.zeros(weights)
    for _ in range(25):
        gradient, curvature = step(w)
        change = np.linalg.solve(curvature, gradient)
        w = w + change
        if np.abs(change).max() < 1e-5:
            break
    return w


def fit_conditional_logit(x: Array, chosen: Array, starts: Array, ridge: float) -> Array:
    """Weights under which the chosen row of each group is most likely. Groups without a chosen row say nothing."""
    group = group_index(starts, len(x))
    keep = (np.add.reduceat(chosen, starts) > 0)[group]
    if not keep.any():
        return np.zeros(x.shape[1])
    x, chosen, group = x[keep], chosen[keep], group[keep]
    starts = group_starts(group)

    def step(w: Array) -> tuple[Array, Array]:
        p = softmax(x @ w, starts)
        mean = np.add.reduceat(x * p[:, None], starts)
        gradient = x.T @ (chosen - p) - ridge * w
        return gradient, (x * p[:, None]).T @ x - mean.T @ mean + ridge * np.eye(len(w))

    return newton(step, x.shape[1])


def fit_logit(x: Array, y: Array, ridge: float) -> Array:
    """Logistic regression."""

    def step(w: Array) -> tuple[Array, Array]:
        p = sigmoid(x @ w)
        return x.T @ (y - p) - ridge * w, (x * (p * (1 - p))[:, None]).T @ x + ridge * np.eye(len(w))

    return newton(step, x.shape[1])


def sigmoid(x: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-np.clip(x, -30, 30)))


def fit_median(x: Array, y: Array, ridge: float = 1e-3) -> Array:
    """Least absolute deviations, so that x @ weights estimates the median of y.

    Iteratively reweighted least squares on sqrt(r² + e²), with e shrinking to 0.1 (of the unit of y).
    """
    w = np.linalg.lstsq(x, y, rcond=None)[0]
    smoothing = 5.0
    for _ in range(60):
        r = y - x @ w
        weight = 1.0 / np.sqrt(r * r + smoothing * smoothing)
        weighted = x * weight[:, None]
        following = np.linalg.solve(weighted.T @ x + ridge * np.eye(x.shape[1]), weighted.T @ y)
        settled = np.abs(x @ (following - w)).mean() < 1e-3
        w = following
        if settled and smoothing <= 0.1:
            break
        smoothing = max(0.8 * smoothing, 0.1)
    return w


# --- Choosing settings on earlier dates --------------------------------------------------------------------------


def choose(settings: Sequence, loss: Callable[[object], float]):
    """The setting of least loss; the first of equals."""
    losses = [loss(setting) for setting in settings]
    return settings[int(np.argmin(losses))]


def split_by_time(snapshot: Array, outcome_day: Array, cutoff: int, settling: int) -> tuple[Array, Array]:
    """Masks of rows to train on and to validate on. Outcomes of the former come before all snapshots of the latter."""
    validation = snapshot >= cutoff - settling - VALIDATION_DAYS
    first = snapshot[validation].min() if validation.any() else cutoff
    return (snapshot < first) & (outcome_day < first), validation


# --- Which store -------------------------------------------------------------------------------------------------


def store_features(c: pd.DataFrame) -> Array:
    """Features of candidate stores; rows sorted by snapshot and household, with all candidates of each present."""
    starts = group_starts(c["snapshot"].to_numpy(), c["household_id"].to_numpy())
    group = group_index(starts, len(c))

    def total(column: Array) -> Array:
        return np.add.reduceat(column, starts)[group]

    columns = {name: c[name].to_numpy(dtype=float) for name in c.columns if name != "next_store"}
    n, visits_60 = columns["visits"], columns["visits_60"]
    share_60 = visits_60 / total(visits_60)
    elapsed = np.minimum.reduceat(columns["last_age"], starts)[group]
    # What all households do at this store, up to this snapshot.
    place = pd.MultiIndex.from_frame(c[["snapshot", "store_id"]]).factorize()[0]

    def everyone(column: str) -> Array:
        return np.bincount(place, weights=columns[column])[place]

    features = []
    for days in HALF_LIVES:
        visits = columns[f"visits_{days}"]
        features.append(np.log((visits + 0.1) / (total(visits) + 0.5)))
    features += [
        np.log((n + 0.5) / (total(n) + 1.0)),
        columns["visits_15"] / (total(columns["visits_15"]) + 1e-9),
        share_60,
        n / total(n),
        columns["spend_60"] / (total(columns["spend_60"]) + 1e-9),
        np.log((columns["after_last_120"] + 0.5 * share_60) / (total(columns["after_last_120"]) + 0.5) + 0.02),
        np.log((columns["weekday_visits_60"] + 0.5 * share_60) / (total(columns["weekday_visits_60"]) + 0.5) + 0.02),
        (columns["last_age"] <= elapsed).astype(float),
        # Overdue or too early, by the usual time between the household's visits to this store.
        np.log1p(columns["last_age"])
        - np.log1p((columns["first_age"] - columns["last_age"]) / np.maximum(n - 1, 1)),
        np.log1p(everyone("visits_30")),
        np.log((everyone("visits_3_weeks") / 21 + 0.05) / (everyone("visits_9_weeks_before") / 63 + 0.05)),
    ]
    return np.column_stack(features)


def rank_stores(c: pd.DataFrame, cutoff: int, settling: int, shuffle_seed: int | None) -> pd.DataFrame:
    """The three stores that the model, and each simple predictor, names for each household on the cut-off date.

    The model's weights are learnt on the snapshots before it.
    """
    c = c.sort_values(["snapshot", "household_id", "store_id"], ignore_index=True)
    x = store_features(c)
    snapshot, household = c["snapshot"].to_numpy(), c["household_id"].to_numpy()
    chosen = (c["store_id"] == c["next_store"]).to_numpy(dtype=float)
    outcome_day = c["next_day"].fillna(cutoff).to_numpy()
    train = (snapshot < cutoff) & (outcome_day < cutoff)
    if shuffle_seed is not None:
        chosen = shuffle_within(chosen, group_starts(snapshot, household), shuffle_seed)

    def fit(rows: Array, setting) -> tuple[Standardizer, Array]:
        days, ridge = setting
        rows = rows & (snapshot >= snapshot[rows].max() - days)
        scale = Standardizer(x[rows])
        return scale, fit_conditional_logit(
            scale(x[rows]), chosen[rows], group_starts(snapshot[rows], household[rows]), ridge
        )

    def validation_loss(setting) -> float:
        earlier, later = split_by_time(snapshot, outcome_day, cutoff, settling)
        earlier, later = earlier & train, later & train
        scale, w = fit(earlier, setting)
        p = softmax(scale(x[later]) @ w, group_starts(snapshot[later], household[later]))
        return -np.log(p[chosen[later] > 0] + 1e-12).mean()

    settings = [(days, ridge) for days in (90, 120, 150) for ridge in (3.0, 30.0, 300.0)]
    scale, w = fit(train, choose(settings, validation_loss))
    now = c[snapshot == cutoff].copy()
    now["model"] = softmax(scale(x[snapshot == cutoff]) @ w, group_starts(now["household_id"].to_numpy()))
    now["probability"] = now["model"].round(4)
    now["last"] = -now["last_age"]
    scores = {"model": "model", "most_frequent": "visits", "last": "last"}
    scores |= {f"half_life_{days}": f"visits_{days}" for days in (30, 45, 60)}
    tops = [
        top_rows(now, score).groupby("household_id")["store_id"].agg(list).rename(f"stores_{name}")
        for name, score in scores.items()
    ]
    probabilities = top_rows(now, "model").groupby("household_id")["probability"].agg(list).rename("store_probabilities")
    return pd.concat([*tops, probabilities], axis=1).reset_index()


def top_rows(candidates: pd.DataFrame, score: str, count: int = 3) -> pd.DataFrame:
    """Each household's candidates of highest score, best first; equal ones by the lower store number."""
    ranked = candidates.sort_values(["household_id", score, "store_id"], ascending=[True, False, True])
    return ranked.groupby("household_id").head(count)


def shuffle_within(values: Array, starts: Array, seed: int) -> Array:
    """Permutes values at random inside each group."""
    group = group_index(starts, len(values))
    return values[np.lexsort((np.random.default_rng(seed).random(len(values)), group))]


# --- Which day ---------------------------------------------------------------------------------------------------


def expand_days(days: Array) -> tuple[Array, Array]:
    """Row number and day ahead of every (row, day) at which the next trip could still happen: 0 up to its day."""
    counts = np.minimum(days, HORIZON_DAYS - 1) + 1
    row = np.repeat(np.arange(len(days)), counts)
    ahead = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return row, ahead


def day_features(h: dict[str, Array], row: Array, ahead: Array) -> Array:
    """Features of "the next trip is `ahead` days after the snapshot, given that there was none before that day"."""
    log_pace = {days: np.log(h[f"pace_rate_{days}"] + 0.01)[row] for days in PACE_HALF_LIVES}
    since = h["last_days_ago"][row] + ahead
    turn = ahead % 7
    slow, fast = (
        np.log(7 * (h[f"{name}_weekdays"][row, turn] + 0.3) / (h[f"{name}_weekdays"].sum(axis=1)[row] + 2.1))
        for name in ("slow", "fast")
    )
    gap = h["mean_gap"][row]
    weekday = (h["weekday"][row] + ahead) % 7
    visited = [
        np.where(ahead < lag, (h["recent_days"][row] >> np.maximum(lag - ahead, 0)) & 1, 0) for lag in (7, 14, 21)
    ]
    return np.column_stack(
        [
            np.ones(len(row)),
            *log_pace.values(),
            np.log(since),
            np.log(since) * log_pace[90],
            slow,
            fast,
            slow * log_pace[90],
            np.log(gap + 0.5),
            np.minimum(since / np.maximum(gap, 1.0), 4.0),
            since == 1,
            since == 2,
            np.log1p(ahead),
            *[weekday == i for i in range(6)],
            *visited,
        ]
    ).astype(float)


def day_inputs(h: pd.DataFrame) -> dict[str, Array]:
    """Column arrays for `day_features`, with paces as shopping days per day."""
    days = h["shopping_days"].to_numpy()
    inputs = {
        "last_days_ago": h["last_days_ago"].to_numpy(dtype=float),
        # A household seen on one day only has no gap yet: two weeks stand in.
        "mean_gap": np.where(days > 1, (h["first_days_ago"] - h["last_days_ago"]) / np.maximum(days - 1, 1), 14.0),
        "recent_days": h["recent_days"].to_numpy(dtype=np.int64),
        # Day 0 of the epoch was a Thursday; Monday is 0.
        "weekday": (h["snapshot"].to_numpy() + 3) % 7,
    }
    for days in PACE_HALF_LIVES:
        # The share of the decayed time axis that the household has been known for.
        known = (1 - 0.5 ** (h["first_days_ago"].to_numpy(dtype=float) / days)) * days / np.log(2)
        inputs[f"pace_rate_{days}"] = h[f"pace_{days}"].to_numpy(dtype=float) / known
    for name in ("slow", "fast"):
        inputs[f"{name}_weekdays"] = h[[f"{name}_weekday_{i}" for i in range(7)]].to_numpy(dtype=float)
    return inputs


def take(inputs: dict[str, Array], rows: Array) -> dict[str, Array]:
    return {name: values[rows] for name, values in inputs.items()}


def fit_days(inputs: dict[str, Array], days: Array, ridge: float) -> Array:
    """A discrete-time hazard: the chance of the trip on each day, given that it has not happened before."""
    row, ahead = expand_days(days)
    return fit_logit(day_features(inputs, row, ahead), (ahead == days[row]).astype(float), ridge)


def day_probabilities(inputs: dict[str, Array], w: Array) -> Array:
    """The chance that the next trip is on day 0, 1, ... of the horizon; what is missing to 1 comes later."""
    rows = len(inputs["weekday"])
    row, ahead = expand_days(np.full(rows, HORIZON_DAYS))
    hazard = sigmoid(day_features(inputs, row, ahead) @ w).reshape(rows, HORIZON_DAYS)
    still_open = np.cumprod(np.column_stack([np.ones(rows), 1 - hazard[:, :-1]]), axis=1)
    return hazard * still_open


def median_day(p: Array) -> Array:
    """The day by which the trip has happened with probability one half: it minimizes the mean absolute error."""
    reached = np.cumsum(p, axis=1) >= 0.5
    return np.where(reached.any(axis=1), reached.argmax(axis=1), HORIZON_DAYS)


def weekday_probabilities(p: Array, weekday: Array) -> Array:
    """Sums the days of the horizon by weekday (Monday is 0), given that the trip falls into the horizon."""
    rows = np.arange(len(p))
    out = np.zeros((len(p), 7))
    for ahead in range(p.shape[1]):
        out[rows, (weekday + ahead) % 7] += p[:, ahead]
    return out / out.sum(axis=1, keepdims=True)


# --- What spend --------------------------------------------------------------------------------------------------


def spend_features(h: pd.DataFrame) -> Array:
    median = h["spend_median"].to_numpy()
    typical = np.expm1(h["spend_log_60"].to_numpy())
    elapsed = h["elapsed"].to_numpy()
    after = h["trips_after_gap"].to_numpy()
    return np.column_stack(
        [
            np.ones(len(h)),
            median,
            h["spend_upper_quartile"].to_numpy(),
            h["spend_mean"].to_numpy(),
            h["spend_median_10"].to_numpy(),
            typical,
            # What it spends after being away as long as now, drawn to its median when there are few such trips.
            (h["spend_after_gap"].fillna(0.0).to_numpy() * after + 5 * median) / (after + 5),
            typical * np.log1p(elapsed),
            # What it would have spent by now at its pace: decayed sum over the decayed length of time.
            h["spend_60"].to_numpy() / (60 / np.log(2)) * np.minimum(elapsed, 30.0),
            h["trips_30"].to_numpy(),
        ]
    )


# --- Both, for one cut-off ---------------------------------------------------------------------------------------


def predict_visits(h: pd.DataFrame, cutoff: int, settling: int, shuffle_seed: int | None) -> pd.DataFrame:
    """Day, weekday and spend of the next trip after the cut-off date, learnt on the snapshots before it."""
    h = h.sort_values(["snapshot", "household_id"], ignore_index=True)
    snapshot = h["snapshot"].to_numpy()
    outcome_day = h["next_day"].fillna(cutoff).to_numpy()
    train, now = (snapshot < cutoff) & (outcome_day < cutoff), snapshot == cutoff
    days = h["next_days_until"].fillna(HORIZON_DAYS).to_numpy(dtype=np.int64)
    spend = h["next_spend"].fillna(0.0).to_numpy(dtype=float)
    if shuffle_seed is not None:
        # Outcomes change households, among those of one snapshot that have one.
        known = np.flatnonzero(train)
        order = known[shuffle_order(snapshot[known], shuffle_seed)]
        days[known], spend[known] = days[order], spend[order]

    inputs, x_spend = day_inputs(h), spend_features(h)
    earlier, later = split_by_time(snapshot, outcome_day, cutoff, settling)
    earlier, later = earlier & train, later & train

    def recent(rows: Array, length: int) -> Array:
        return rows & (snapshot >= snapshot[rows].max() - length)

    def days_loss(length: int) -> float:
        rows = recent(earlier, length)
        p = day_probabilities(take(inputs, later), fit_days(take(inputs, rows), days[rows], 1.0))
        return np.abs(median_day(p) - days[later]).mean()

    def spend_loss(length: int) -> float:
        rows = recent(earlier, length)
        return np.abs(x_spend[later] @ fit_median(x_spend[rows], spend[rows]) - spend[later]).mean()

    rows = recent(train, choose([90, 120, 150], days_loss))
    p = day_probabilities(take(inputs, now), fit_days(take(inputs, rows), days[rows], 1.0))
    rows = recent(train, choose([90, 120, 150], spend_loss))
    expected_spend = np.maximum(x_spend[now] @ fit_median(x_spend[rows], spend[rows]), 0.0)

    weekdays = weekday_probabilities(p, inputs["weekday"][now])
    predicted = pd.DataFrame(
        {
            "household_id": h["household_id"].to_numpy()[now],
            "days_until": median_day(p),
            "weekday": weekdays.argmax(axis=1),
            "weekday_probability": weekdays.max(axis=1).round(4),
            "spend": np.round(expected_spend, 2),
        }
    )
    return predicted.merge(visit_baselines(h[now], h[train]), on="household_id")


def visit_baselines(now: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Each household's habits on the cut-off date. `known` holds earlier snapshots with the trips that followed."""
    everyone_wait = known["next_days_until"].median()
    own_wait = known.groupby("household_id")["next_days_until"].median()
    # Counts are by days after the snapshot's weekday; the mode is the first of equals, from Monday on.
    counts = now[[f"trips_weekday_{i}" for i in range(7)]].to_numpy()
    weekday = (now["snapshot"].to_numpy()[:, None] + 3 + np.arange(7)) % 7
    by_weekday = np.take_along_axis(counts, np.argsort(weekday, axis=1), axis=1)
    return pd.DataFrame(
        {
            "household_id": now["household_id"],
            "own_mode": by_weekday.argmax(axis=1),
            # What the calendar alone tells: counted from the cut-off, the weekday on which most next trips fell.
            "everyone_mode": (now["snapshot"] + 3 + (known["next_days_until"] % 7).mode().iloc[0]).astype(int) % 7,
            # A household with one trip has no gap of its own yet.
            "own_median_gap": now["gap_median"].fillna(everyone_wait),
            "own_median_wait": now["household_id"].map(own_wait).fillna(everyone_wait),
            "everyone_median_wait": everyone_wait,
            "own_median_spend": now["spend_median"],
            "own_median_last_10": now["spend_median_10"],
            "everyone_median_spend": known["next_spend"].median(),
        }
    )


def shuffle_order(group: Array, seed: int) -> Array:
    """A random permutation of rows, sorted by `group`, that keeps each inside its group."""
    return np.lexsort((np.random.default_rng(seed).random(len(group)), group))
