"""What is wrong usage (2), what is refused (1), and what a machine is told of it: every command alike."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from PIL import Image as Photo

from detect.cli import COMMANDS, main

NO_DATA = {"demo", "sample", "formats", "models", "recipes", "export"}


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [*map(str, words)])


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nine photos as LabelImg leaves them in YOLO mode, one of them with a row that is none, in the working folder."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "classes.txt").write_text("dent\nscratch\n")
    for number in range(9):
        Photo.new("RGB", (60, 40), (number * 20, 0, 0)).save(folder / f"{number}.png")
        (folder / f"{number}.txt").write_text(f"{number % 2} 0.5 0.5 0.5 0.5\n")
    (folder / "4.txt").write_text("0 0.5 0.5 0.5 broken\n")
    return folder


EVALUATE, COMPARE, REVIEW = (
    ("evaluate", "data", "p.json"),
    ("compare", "data", "a.json", "b.json"),
    ("review", "d", "p"),
)
CONVERT, SPLIT, TRAIN = ("convert", "data", "new", "--to", "yolo"), ("split", "data", "new"), ("train", "yolo11n")
PREDICT, THRESHOLDS = ("predict", "run", "data", "--out", "p.json"), ("thresholds", "run", "--data", "data")
COLLECT, ANCHORS = ("review", "--collect", "cars", "new"), ("anchors", "data")
READING = (CONVERT, SPLIT, (*TRAIN, "--data", "data"), EVALUATE, COMPARE, REVIEW, PREDICT, THRESHOLDS, ANCHORS)

WRONG = [
    # the words; what must be said. Nothing that they name is there: wrong words are found before anything is read
    # a format
    (("convert", "data", "new", "--to", "nope"), "'nope' is not one of 'yolo', 'coco'"),
    (("convert", "data", "new", "--to", "YOLO"), "did you mean yolo?"),
    ((*SPLIT, "--to", "nope"), "'nope' is not one of"),
    ((*SPLIT, "--to", "via"), "'via' is not one of"),  # which is only read
    ((*SPLIT, "--to", "coco-results"), "'coco-results' is not one of"),  # which is one file
    ((*COLLECT, "--to", "cvta"), "did you mean cvat?"),
    *[((*command, "--from", "nope"), "'nope' is not one of 'voc'") for command in READING],
    ((*SPLIT, "--from", "labellme"), "did you mean labelme?"),
    (("sample", "new", "--format", "voq"), "did you mean voc?"),
    (("export", "run", "--to", "onx"), "did you mean onnx?"),
    # one of a few words
    *[((*command, "--on-error", "ignore"), "'ignore' is not one of 'fail', 'skip'") for command in READING],
    ((*EVALUATE, "--missing", "Empty"), "did you mean empty?"),
    ((*EVALUATE, "--calibrate", "isotonc"), "did you mean isotonic?"),
    ((*COLLECT, "--to", "voc", "--only", "dispute"), "did you mean disputed?"),
    # a regular expression
    *[((*command, "--group", pattern), "is no regular expression") for command in (SPLIT, EVALUATE, COMPARE, REVIEW)
      for pattern in ("claim-(", "[", "*", r"(?P<a>x", "a{99999999999}")],
    # what to choose by
    *[((*command, "--choose", "f2"), "did you mean f1?") for command in (EVALUATE, COMPARE, REVIEW, THRESHOLDS)],
    ((*EVALUATE, "--choose", "F1"), "did you mean f1?"),
    ((*EVALUATE, "--choose", "precison=0.9"), "did you mean precision?"),
    *[((*EVALUATE, "--choose", goal), "cannot choose by") for goal in
      ("", "precision", "precision=90", "recall=0", "recall=nan", "recall=-1", "cost", "cost=", "best")],
    # a metric
    ((*THRESHOLDS, "--metric", "mAP"), "did you mean map?"),
    ((*COMPARE, "--metric", "mAP"), "did you mean 'map'?"),
    ((*COMPARE, "--metric", "recal"), "did you mean 'recall'?"),
    ((*COMPARE, "--metric", ""), "there is no metric ''"),
    ((*EVALUATE, "--fail-under", "nonsense"), "'nonsense' is not a threshold"),
    *[((*EVALUATE, "--fail-under", wanted), "is not a threshold") for wanted in
      ("map50", "map50=", "=0.5", "map50=high", "map50=nan", "map50=inf", "map50=0.5,", "map50=0.5,recall", ",")],
    # ratios
    *[((*SPLIT, "--ratios", ratios), said) for ratios, said in [
        ("1e308/1e308", "too large or lie too far apart"), ("1e-300/1", "too far apart; train would get nothing"),
        ("nan/1", "positive number, got nan"), ("inf/1", "positive number, got inf"), ("0/0", "got 0"),
        ("-70/-30", "got -70"), ("70/-20/10", "got -20"), ("train=-1,val=2", "got -1"), ("train=nan,val=1", "got nan"),
        ("70", "2 (train, val) or 3 numbers"), ("1/1/1/1", "got 4"), ("", "expected numbers"),
        ("/", "expected numbers"), ("70/x", "expected numbers"), ("a=1,a=2", "a split appears twice"),
        ("a=1", "at least two splits"),
        ("a/b=1,c=2", "no name for a split"), ("70,30", "expected numbers"), ("a=1,b=2=3", "expected numbers"),
    ]],
    # pairs and lists of classes
    *[((*command, "--map", pair), "expected old=new") for command in (CONVERT, EVALUATE, COMPARE, REVIEW)
      for pair in ("scratches", "=scratch", "scratches=", "=", "")],
    ((*CONVERT, "--classes", "a,b,a"), "'a' appears twice"),
    ((*CONVERT, "--classes", " , "), "names no class"),
    # numbers
    ((*EVALUATE, "--iou", "1.5"), "expected overlaps in 0..1"),
    ((*EVALUATE, "--iou", "nan"), "expected overlaps in 0..1"),
    ((*EVALUATE, "--confidence", "half"), "is not a valid float"),
    ((*EVALUATE, "--resamples", "-1"), "--resamples"),
    ((*COMPARE, "--resamples", "99"), "at least 100 resamples"),
    ((*SPLIT, "--seed", "1.5"), "is not a valid integer"),
    ((*PREDICT, "--every", "0"), "--every"),
    ((*PREDICT, "--tiles", "ten"), "--tiles"),
    (("sample", "new", "--images", "-1"), "--images"),
    (("sample", "new", "--size", "63"), "--size"),
    (("sample", "new", "--size", "5000"), "--size"),
    (("anchors", "data", "--imgsz", "100"), "must be a multiple of 32"),
    ((*REVIEW, "--port", "70000"), "--port"),
    ((*CONVERT, "--voc-origin", "2"), "--voc-origin"),
    # a detector
    (("anchors", "data", "--model", "fasterrcn_resnet50_fpn"), "did you mean fasterrcnn_resnet50_fpn?"),
    (("anchors", "data", "--model", "yolo11n"), "yolo11n"),  # which has no anchors
    # keys of a recipe
    ((*TRAIN, "epochs", "--data", "data"), "write an override like epochs=5"),
    ((*TRAIN, "epochs=many", "--data", "data"), "`epochs` is 'many'"),
    ((*TRAIN, "epoch=3", "--data", "data"), "did you mean `epochs`?"),
    ((*TRAIN, "augment.mosaic=[", "--data", "data"), "is not valid YAML"),
    # options that contradict each other, and such as are missing
    ((*EVALUATE, "--choose", "f1", "--confidence", "0.5"), "exclude each other"),
    ((*EVALUATE, "--strict", "--resamples", "0"), "--strict needs intervals"),
    (("evaluate", "data"), "PREDICTIONS or --weights, one of them"),
    ((*TRAIN, "--data", "data", "--resume", "--preview", "drawn"), "--resume"),
    ((*PREDICT, "--point", "run", "--confidence", "0.5"), "--point excludes --confidence"),
    (("review", "data"), "give DATA and one or two PREDICTIONS"),
    (("convert", "data", "new.json", "--to", "yolo"), "can be written to one .json file"),
    (("split", "data", "new.json"), "name a folder"),
    (("export", "run", "--to", "onnx", "--out", "model.pt"), "ends in .onnx"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"), WRONG, ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_wrong_words_are_wrong_usage_whatever_the_data(
    words: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("detect.models.weights.weights_file", lambda path: path)  # of `export`
    answer = run(*words)
    assert answer.exit_code == 2, answer.output
    assert said in " ".join(answer.stderr.split())
    assert (answer.stdout, list(tmp_path.iterdir())) == ("", [])


REFUSED = [
    # the words are good, and what they name is not: the data, a file, a place that is taken
    (("convert", "nowhere", "new", "--to", "yolo"), "nowhere: there is no such file or folder"),
    (("convert", "photos", "new", "--to", "yolo"), "4.txt: line 1"),
    (("convert", "photos", "photos", "--to", "yolo"), "already there"),
    (("convert", "photos", "new", "--to", "yolo", "--on-error", "skip", "--map", "dnet=dent"), "did you mean 'dent'?"),
    (("convert", "photos", "new", "--to", "yolo", "--map", "nowhere.yaml"), "4.txt: line 1"),
    (("convert", "photos", "new", "--to", "yolo", "--images", "nowhere"), "nowhere: no such folder of images"),
    (("split", "photos", "new", "--on-error", "skip", "--group", "claim"), "does not match"),
    (("split", "photos", "new", "--from", "coco"), "there is no COCO file in it"),
    (("evaluate", "photos", "nowhere.json", "--on-error", "skip"), "nowhere.json"),
    (("evaluate", "photos", "p.json", "--choose", "cost=nowhere.yaml"), "4.txt: line 1"),
    (("train", "nowhere", "--data", "photos"), "nowhere: no such recipe"),
    (("train", "mine.yaml", "--data", "photos"), "unknown key `epoch`"),
    (("train", "mine.yaml", "batch=4", "--data", "photos"), "unknown key `epoch`"),  # the file is wrong, not the word
    (("recipes", "yolo11"), "did you mean"),
    (("predict", "nowhere", "photos", "--out", "p.json"), "4.txt: line 1"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"), REFUSED, ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_good_words_for_what_is_not_good_are_refused(photos: Path, words: tuple[str, ...], said: str) -> None:
    (photos.parent / "mine.yaml").write_text("kind: recipe\nmodel: yolo11n\nepoch: 3\n")
    answer = run(*words)
    assert answer.exit_code == 1, answer.output
    assert said in answer.stderr.partition("error: ")[2]


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in NO_DATA])
def test_every_command_that_takes_data_reads_it_by_the_same_options(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    options = {parameter.opts[0]: parameter for parameter in command.params}
    assert {"--from", "--images", "--on-error"} <= options.keys()
    assert (options["--on-error"].default, bool(options["--from"].required)) == ("fail", False)


JSON_FAILURES = [
    # the words; exit code; kind of the first problem, and what it must tell
    (("convert", "photos", "new", "--to", "yolo"), 1, {"where": "line 1"}),
    (("split", "photos", "new"), 1, {"where": "line 1"}),
    (("split", "nowhere", "new"), 1, {"file": "nowhere", "what": "there is no such file or folder"}),
    (("split", "photos", "new", "--images", "nowhere"), 1, {"file": "nowhere", "what": "no such folder of images"}),
    (("split", "photos/1.png", "new"), 1, {"file": "photos/1.png", "what": "is an image; name the folder it is in"}),
    (("split", "photos", "photos"), 1, {"kind": "refused"}),
    (("split", "photos", "new", "--ratios", "1"), 2, {"kind": "bad usage"}),
    (("split", "photos", "new", "--nonsense"), 2, {"kind": "bad usage"}),
    (("split",), 2, {"kind": "bad usage"}),
    (("evaluate", "photos", "p.json"), 1, {"where": "line 1"}),
    (("compare", "photos", "a.json", "b.json"), 1, {"where": "line 1"}),
    (("review", "photos", "a.json"), 1, {"where": "line 1"}),
    (("anchors", "photos"), 1, {"where": "line 1"}),
    (("train", "yolo11n", "--data", "photos"), 1, {"where": "line 1"}),
    (("train", "nowhere", "--data", "photos"), 1, {"kind": "configuration"}),
    (("predict", "nowhere", "photos/1.png", "--out", "p.json"), 1, {"kind": "model"}),
    (("thresholds", "nowhere", "--data", "photos"), 1, {"kind": "model"}),
    (("export", "nowhere", "--to", "onnx"), 1, {"kind": "model"}),
    (("recipes", "nowhere"), 1, {"kind": "configuration"}),
    (("sample", "photos"), 1, {"kind": "refused"}),
]  # fmt: skip


@pytest.mark.parametrize("quiet", [(), ("--quiet",)])
@pytest.mark.parametrize(("words", "code", "first"), JSON_FAILURES)
def test_json_tells_of_a_failure_too(
    photos: Path, words: tuple[str, ...], code: int, first: dict[str, str], quiet: tuple[str, ...]
) -> None:
    plain, answer = run(*words), run(*words, "--json", *quiet)
    assert (answer.exit_code, plain.exit_code, plain.stdout) == (code, code, "")
    assert answer.stderr == plain.stderr  # the text is there for people, also under --quiet
    told = json.loads(answer.stdout)
    assert list(told) == ["error", "problems"] and told["error"] in answer.stderr
    assert all(list(one) == ["level", "kind", "what", "file", "where", "remedy"] for one in told["problems"])
    assert first.items() <= told["problems"][0].items()


def test_json_tells_every_problem(photos: Path) -> None:
    (photos / "5.txt").write_text("0 0.5\n" * 30 + "7 0.5 0.5 0.5 0.5\n")
    told = json.loads(run("split", "photos", "new", "--json").stdout)
    assert len(told["problems"]) == 32
    assert len(told["error"].splitlines()) < 25


def test_what_skip_leaves_out_of_a_split_is_said_and_listed(photos: Path) -> None:
    assert run("split", "photos", "new").exit_code == 1
    answer = run("split", "photos", "new", "--on-error", "skip")
    assert answer.exit_code == 0, answer.output
    assert "1 error: bad row: photos/4.txt: line 1" in answer.stderr
    assert "rejects.jsonl: what was left out" in answer.stdout
    rejects = [json.loads(line) for line in Path("rejects.jsonl").read_text().splitlines()]
    assert ("error", "photos/4.txt") in [(one["level"], one["file"]) for one in rejects]
    told = json.loads(run("split", "photos", "again", "--on-error", "skip", "--json").stdout)
    assert told["rejects"] == "rejects.jsonl"
    assert {"level": "error", "kind": "bad row", "count": 1} in told["problems"]


def test_evaluate_reads_data_as_it_is_told(photos: Path) -> None:
    """Annotations in one place and photos in another; what is left out is listed in the report's folder."""
    assert run("convert", "photos", "gt.json", "--to", "coco", "--on-error", "skip", "-q").exit_code == 0
    found = json.loads(Path("gt.json").read_text())
    found["annotations"] = [{**row, "score": 0.9} for row in found["annotations"]]
    Path("found.json").write_text(json.dumps(found))
    Path("labels").mkdir()
    for label in [*photos.glob("*.txt")]:
        label.rename(Path("labels") / label.name)
    how = ("--from", "yolo", "--images", "photos", "--resamples", "0", "--missing", "ignore", "--json")
    assert run("evaluate", "labels", "found.json", *how).exit_code == 1
    answer = run("evaluate", "labels", "found.json", *how, "--on-error", "skip", "--out", "report")
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout)["metrics"]["map"] == pytest.approx(1)
    assert "report/rejects.jsonl: what was left out" in answer.stderr
    assert "4.txt" in Path("report/rejects.jsonl").read_text()
