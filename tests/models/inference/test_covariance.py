"""Errors of few clusters against refits without each and against defining matrices."""

import numpy as np
import pytest
from scipy import stats

from models.inference.covariance import ClusterSums, Covariance, jackknifed


def regression(seed: int = 0, groups: int = 7) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A design with uneven clusters, a response, and the clusters."""
    rng = np.random.default_rng(seed)
    cluster = np.sort(rng.integers(0, groups, 60))
    design = np.column_stack([np.ones(60), rng.normal(size=60) + cluster, rng.normal(size=60)])
    return design, rng.normal(size=60), cluster


def sums_of(design: np.ndarray, response: np.ndarray, cluster: np.ndarray) -> ClusterSums:
    """Least squares as estimating equations."""
    residual = response - design @ np.linalg.lstsq(design, response)[0]
    labels = np.unique(cluster)
    parts = [(design[cluster == one], residual[cluster == one]) for one in labels]
    information = np.array([x.T @ x for x, _ in parts])
    return ClusterSums(labels, np.array([x.T @ e for x, e in parts]), -information, information)


def test_influence_is_what_leaving_the_cluster_out_takes_away():
    design, response, cluster = regression()
    transform = np.array([[0.0, 1.0, 0.0], [1.0, 2.0, -1.0]])
    found = jackknifed(sums_of(design, response, cluster), transform)
    whole = np.linalg.lstsq(design, response)[0]
    for place, label in enumerate(found.labels):
        kept = cluster != label
        without = np.linalg.lstsq(design[kept], response[kept])[0]
        np.testing.assert_allclose(found.values[place], transform @ (whole - without), rtol=1e-8)
    np.testing.assert_allclose(found.covariance, sum(np.outer(row, row) for row in found.values))


def test_degrees_of_freedom_are_satterthwaites_from_the_full_matrices():
    """The variance is a form e'Ae of independent errors: dof = (tr A)^2 / tr A^2.

    A is built cell by cell.
    """
    design, response, cluster = regression(1)
    found = jackknifed(sums_of(design, response, cluster), np.eye(3))
    inverse = np.linalg.inv(design.T @ design)
    maker = np.eye(60) - design @ inverse @ design.T
    for place in range(3):
        form = np.zeros((60, 60))
        for label in np.unique(cluster):
            own = np.flatnonzero(cluster == label)
            weight = (
                inverse[place] @ design[own].T @ np.linalg.inv(maker[np.ix_(own, own)]) @ maker[own]
            )
            form += np.outer(weight, weight)
        expected = np.trace(form) ** 2 / np.trace(form @ form)
        assert found.dof[place] == pytest.approx(expected, rel=1e-6)
        assert expected < 6


def test_a_direction_that_one_cluster_alone_decides_stays_out_of_the_others():
    design, response, cluster = regression(2)
    own = np.column_stack([design, cluster == 3])
    found = jackknifed(sums_of(own, response, cluster), np.eye(4))
    assert np.isfinite(found.values).all()
    without = np.linalg.lstsq(design[cluster != 3], response[cluster != 3])[0]
    whole = np.linalg.lstsq(own, response)[0]
    np.testing.assert_allclose(
        found.values[found.labels == 3][0, :3], whole[:3] - without, rtol=1e-6
    )


def test_one_cluster_is_refused():
    design, response, cluster = regression()
    with pytest.raises(ValueError, match="cluster: 1 found"):
        jackknifed(sums_of(design, response, 0 * cluster), np.eye(3))


def test_intervals_reach_as_far_as_t_says():
    covariance = Covariance(("a", "b"), np.diag([4.0, 0.0]), np.array([5.0, 0.0]))
    assert covariance.reach()[0] == pytest.approx(2 * stats.t.ppf(0.975, 5))
    assert Covariance(("a",), np.eye(1)).reach()[0] == pytest.approx(1.959964, rel=1e-6)
