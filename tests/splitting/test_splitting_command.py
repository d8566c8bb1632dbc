"""`detect split`: from an annotated folder to a folder with splits, its table, its JSON and its refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image as Picture

from detect import conversion
from detect.cli import main

CLAIM = r"claim-\d+"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Twelve photos of six claims as LabelImg leaves them in YOLO mode; each fourth one undamaged."""
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "classes.txt").write_text("dent\nscratch [deep]\n")
    for number in range(12):
        name = f"claim-{number // 2}_{number}"
        Picture.new("RGB", (40, 30), (number * 20, 0, 0)).save(folder / f"{name}.png")
        rows = [f"{number % 2} 0.5 0.5 0.5 0.{5 + row}\n" for row in range(number % 4)]
        (folder / f"{name}.txt").write_text("".join(rows))
    return folder


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["split", *map(str, arguments)])


@pytest.mark.parametrize("to", ["yolo", "coco", "voc", "cvat"])
def test_what_is_written_has_the_splits_and_every_box(photos: Path, tmp_path: Path, to: str) -> None:
    result = run(photos, tmp_path / "data", "--ratios", "50/50", "--group", CLAIM, "--to", to, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    written = conversion.read(tmp_path / "data")
    assert (len(written), written.boxes) == (12, 18)
    for name in ("train", "val"):
        part = written.only(name)
        assert told["splits"][name]["images"] == len(part)
        assert told["splits"][name]["boxes"] == part.boxes
        assert told["splits"][name]["groups"] == 3
    of_claim = {(Path(i.name).name.split("_")[0], i.split) for i in written.images}
    assert len(of_claim) == 6  # no claim on two sides
    assert all(image.path and image.path.is_file() for image in written.images)


def test_the_table(photos: Path, tmp_path: Path) -> None:
    result = run(photos, tmp_path / "data", "--ratios", "train=50,test=50", "--seed", "3")
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[0] == ["train", "test"]
    assert ["images", "6", "50.0%", "6", "50.0%"] in lines
    assert [line[:3] for line in lines if line[0] == "class"] == [
        ["class", "dent", "4"],
        ["class", "scratch", "[deep]"],
    ]
    assert lines[-1][:2] == ["largest", "deviation:"]


def test_the_same_command_gives_the_same_files(photos: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert run(photos, tmp_path / name, "--seed", "7").exit_code == 0
    contents = [
        {p.relative_to(tmp_path / n).as_posix(): p.read_bytes() for p in (tmp_path / n).rglob("*") if p.is_file()}
        for n in ("a", "b")
    ]
    assert contents[0] == contents[1]


REFUSED = [
    # arguments after DATA DEST, exit code, what must be said
    (["--ratios", "70/0/30"], 2, "val must be a positive number"),
    (["--ratios", "100"], 2, "2 (train, val) or 3 numbers"),
    (["--to", "yollo"], 2, "did you mean yolo?"),
    (["--group", r"claim-[0-4]_"], 1, "claim-5_10.png: group 'claim-[0-4]_' does not match"),
    (["--group", "claim-("], 2, "is no regular expression"),
    (["--group", "claim"], 1, "12 images in 1 groups cannot fill 3 splits"),
]


@pytest.mark.parametrize(("arguments", "code", "said"), REFUSED)
def test_a_refusal_leaves_nothing_behind(
    photos: Path, tmp_path: Path, arguments: list[str], code: int, said: str
) -> None:
    result = run(photos, tmp_path / "data", *arguments)
    assert result.exit_code == code
    assert said in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_nothing_is_overwritten(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine.txt").write_text("mine")
    result = run(photos, tmp_path / "data")
    assert (result.exit_code, "already there" in result.stderr) == (1, True)
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["mine.txt"]


def test_one_file_cannot_hold_the_splits(photos: Path, tmp_path: Path) -> None:
    result = run(photos, tmp_path / "data.json", "--to", "coco")
    assert result.exit_code == 2
    assert "name a folder" in result.stderr
    assert not (tmp_path / "data.json").exists()


def test_no_data_is_bad_input(tmp_path: Path) -> None:
    result = run(tmp_path / "nowhere", tmp_path / "data")
    assert result.exit_code == 1
    assert "nowhere" in result.stderr


def test_the_duplicates_of_a_real_dataset_stay_together(shared_data: Path, tmp_path: Path) -> None:
    result = run(shared_data / "car-damage-ilujaina", tmp_path / "data", "--ratios", "80/20", "--to", "coco")
    assert result.exit_code == 0, result.output
    assert "note: exact duplicates kept in one split" in result.stderr
    of_content: dict[bytes, set[str | None]] = {}
    for image in conversion.read(tmp_path / "data").images:
        assert image.path is not None
        of_content.setdefault(image.path.read_bytes(), set()).add(image.split)
    assert len(of_content) == 277 - 12
    assert all(len(splits) == 1 for splits in of_content.values())
