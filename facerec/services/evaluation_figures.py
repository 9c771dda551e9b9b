"""Measurements as plain tables of names and numbers, for JSON."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np

from facerec.evaluate.acquire import Acquired
from facerec.evaluate.all_pairs import AllPairs, RatesAt
from facerec.evaluate.error_rates import ErrorCurve, Estimate, thin
from facerec.evaluate.gain import Beside
from facerec.evaluate.identification import FixedFpir, FixedSearchThreshold, Identification
from facerec.evaluate.verification import Verification


def verification_payload(result: Verification) -> dict[str, object]:
    """Return what a list of pairs told."""
    folds = result.folds
    return {
        "accuracy": result.accuracy,
        "accuracy_std": None if folds is None else folds.std,
        "accuracy_standard_error": None if folds is None else folds.standard_error,
        "accuracy_if_failed_different_pairs_count_as_refused": (
            None if folds is None else folds.mean_if_refused
        ),
        "folds": None
        if folds is None
        else [
            {"accuracy": accuracy, "threshold": threshold}
            for accuracy, threshold in zip(folds.accuracies, folds.thresholds, strict=True)
        ],
        "n_same": result.curve.n_mated,
        "n_different": result.curve.n_nonmated,
        "n_failed_same": result.n_failed_same,
        "n_failed_different": result.n_failed_different,
        "eer": result.equal_error.rate,
        "eer_threshold": result.equal_error.threshold,
        "auc": result.auc,
        "at_thresholds": [
            {
                "threshold": fixed.point.score,
                "set_at_fmr": fixed.point.fmr,
                "set_on": fixed.point.dataset,
                "fmr": estimate_payload(fixed.fmr),
                "fnmr": estimate_payload(fixed.fnmr),
                "accuracy": fixed.accuracy.value,
            }
            for fixed in result.fixed_thresholds
        ],
        "at_fmr": [
            {
                "target": fixed.target,
                "threshold": fixed.threshold,
                "fmr": estimate_payload(fixed.fmr),
                "fnmr": estimate_payload(fixed.fnmr),
                "tar": None if fixed.fnmr is None else 1 - fixed.fnmr.value,
                "reason": fixed.reason or None,
            }
            for fixed in result.fixed_fmrs
        ],
        "curve": _curve(result.curve),
    }


def identification_payload(result: Identification) -> dict[str, object]:
    """Return what open-set searches told."""
    searches = result.searches
    return {
        "gallery_size": searches.n_enrolled,
        "images_per_person": result.split.images_each,
        "seed": result.split.seed,
        "n_mated_probes": len(searches.mated_rows),
        "n_nonmated_probes": len(searches.nonmated_rows),
        "n_nonmated_people": len(np.unique(searches.nonmated_person)),
        "n_failed_enrolments": searches.n_failed_enrolments,
        "n_failed_mated": result.n_failed_mated,
        "n_failed_nonmated": result.n_failed_nonmated,
        "rank_1_closed_set": estimate_payload(result.cmc[1]),
        "cmc_closed_set": {
            str(rank): estimate_payload(share) for rank, share in result.cmc.items()
        },
        "at_fpir": [_fixed_fpir(fixed) for fixed in result.fixed_fpirs],
        "at_thresholds": [_fixed_search(at) for at in result.fixed_thresholds],
        "curve": _curve(result.curve, "fpir", "fnir"),
    }


def _fixed_fpir(fixed: FixedFpir) -> dict[str, object]:
    return {
        "target": fixed.target,
        "threshold": fixed.threshold,
        "fpir": estimate_payload(fixed.fpir),
        "fnir": estimate_payload(fixed.fnir),
        "reason": fixed.reason or None,
    }


def _fixed_search(at: FixedSearchThreshold) -> dict[str, object]:
    return {
        "threshold": at.point.score,
        "set_at_fmr": at.point.fmr,
        "set_on": at.point.dataset,
        "fpir": estimate_payload(at.fpir),
        "predicted_fpir": at.predicted_fpir,
        "fmr_here": estimate_payload(at.fmr_here),
        "predicted_fpir_from_fmr_here": at.predicted_from_fmr_here,
        "fnir": estimate_payload(at.fnir),
    }


def all_pairs_payload(result: AllPairs) -> dict[str, object]:
    """Return what all pairs of a folder told."""
    return {
        "n_people": result.n_people,
        "n_images": result.n_images,
        "n_same": len(result.mated.scores),
        "n_different": result.nonmated.total,
        "eer": result.equal_error.rate,
        "auc": result.auc,
        "at": [_rates_at(rates) for rates in result.rates],
        "curve": _curve(result.curve),
    }


def _rates_at(rates: RatesAt) -> dict[str, object]:
    return {
        "threshold": rates.threshold,
        "target_fmr": rates.target,
        "fmr": estimate_payload(rates.fmr),
        "fnmr": estimate_payload(rates.fnmr),
        "reason": rates.reason or None,
    }


def estimate_payload(estimate: Estimate | None) -> dict[str, object] | None:
    """Return a rate with its interval."""
    if estimate is None:
        return None
    return {
        "rate": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "errors": estimate.errors,
        "trials": estimate.trials,
        "interval": estimate.method,
    }


def _curve(
    curve: ErrorCurve, false_match: str = "fmr", miss: str = "fnmr"
) -> dict[str, list[float]]:
    points = thin(curve)
    return {
        "threshold": points.thresholds[1:].tolist(),
        false_match: points.fmr[1:].tolist(),
        miss: points.fnmr[1:].tolist(),
    }


def beside_payload(beside: Beside) -> dict[str, object]:
    """Return what another way of embedding the same images reached, bought and cost."""
    result = beside.result
    return {
        "name": beside.name,
        "accuracy": result.accuracy,
        "accuracy_std": None if result.folds is None else result.folds.std,
        "eer": result.equal_error.rate,
        "gain": None if beside.gain is None else asdict(beside.gain),
        "cost": None if beside.cost is None else asdict(beside.cost),
    }


def failures(acquired: Acquired, root: Path) -> list[dict[str, str]]:
    """Name the images without a usable Face, and why."""
    return [
        {"image": short(acquired.paths[row], root), "reason": reason}
        for row, reason in sorted(acquired.failures.items())
    ]


def short(path: Path, root: Path) -> str:
    """Write a path relative to a folder where it lies in it."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
