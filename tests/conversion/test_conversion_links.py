"""Symbolic links, also broken ones and circles; names whose accents are stored in two ways."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest

from detect.conversion import read
from detect.errors import DataError, Problems
from tests.conversion.grey import photo

Tree = Callable[..., Path]

PHOTO = (100, 50)
VOC = (
    "<annotation><filename>{0}</filename><size><width>100</width><height>50</height></size><object><name>dent</name>"
    "<bndbox><xmin>10</xmin><ymin>20</ymin><xmax>40</xmax><ymax>30</ymax></bndbox></object></annotation>"
)
YOLO = {"classes.txt": "dent\n", "labels/1.txt": "0 0.5 0.5 0.2 0.4\n", "labels/good.txt": "0 0.5 0.5 0.2 0.4\n",
        "images/good.jpg": PHOTO}  # fmt: skip


@pytest.mark.parametrize(
    ("files", "link", "target", "form"),
    [
        # what is called `link` leads nowhere: 1.jpg is then not in the dataset, or there is no dataset
        (YOLO, "images/1.jpg", "../../gone/1.jpg", "yolo"),
        (YOLO, "images/1.jpg", "1.jpg", "yolo"),  # a circle
        ({**YOLO, "images/1.jpg": PHOTO, "labels/1.txt": None}, "labels/1.txt", "gone.txt", "yolo"),
        ({**YOLO, "images/1.jpg": PHOTO, "labels/1.txt": None}, "labels/1.txt", "1.txt", "yolo"),
        ({"1.jpg": PHOTO, "good.jpg": PHOTO, "good.xml": VOC.format("good.jpg")}, "1.xml", "../1.xml", "voc"),
        ({"1.jpg": PHOTO, "good.jpg": PHOTO, "good.xml": VOC.format("good.jpg")}, "1.xml", "1.xml", "voc"),
        ({"good.jpg": PHOTO, "good.xml": VOC.format("good.jpg"), "1.xml": VOC.format("1.jpg")},
         "1.jpg", "x.jpg", "voc"),
        ({"1.jpg": PHOTO, "good.jpg": PHOTO, "good.json": json.dumps({"shapes": [], "version": "5"})},
         "1.json", "gone.json", "labelme"),
    ],
)  # fmt: skip
def test_a_broken_link_is_named_and_its_photo_left_out(
    tree: Tree, files: dict[str, Any], link: str, target: str, form: str
) -> None:
    root = tree({file: content for file, content in files.items() if content is not None})
    (root / link).symlink_to(target)
    with pytest.raises(DataError) as caught:
        read(root, format=form)
    assert f"{root}/{link}: is a broken symbolic link: {target} is not there" in str(caught.value)
    names = [image.name for image in read(root, format=form, on_error="skip")]
    assert names == ["good.jpg"]


@pytest.mark.parametrize("link", ["labels", "labels.v2", "images/more"])
def test_a_broken_link_to_a_folder_is_an_error(tree: Tree, link: str) -> None:
    """Without the folder of its labels every photo would be an undamaged one."""
    root = tree({"classes.txt": "dent\n", "images/1.jpg": PHOTO})
    (root / link).symlink_to("../gone")
    with pytest.raises(DataError, match=f"{link}: is a broken symbolic link: ../gone is not there"):
        read(root, format="yolo")


def test_links_that_lead_somewhere(tree: Tree) -> None:
    store = tree({"1.jpg": PHOTO, "labels/1.txt": "0 0.5 0.5 0.2 0.4\n"}, "store")
    root = tree({"classes.txt": "dent\n", "images/readme.md": "x"})
    (root / "images/1.jpg").symlink_to(store / "1.jpg")
    (root / "labels").symlink_to(store / "labels")
    (root / "images/again").symlink_to(root)  # a circle of folders
    (root / "last.pdf").symlink_to("notes.pdf")  # broken, and nothing that could be read
    (root / "images/2.jpg").symlink_to(root / "images/1.jpg")
    found = {image.name: len(image.boxes) for image in read(root, on_error="skip").images}
    assert found == {"1.jpg": 1, "2.jpg": 0}


@pytest.mark.parametrize("target", ["nowhere", "source"])
def test_a_source_that_is_a_broken_link(tmp_path: Path, target: str) -> None:
    (tmp_path / "source").symlink_to(target)
    with pytest.raises(DataError, match=f"source: is a broken symbolic link: {target} is not there"):
        read(tmp_path / "source")


def test_images_that_are_a_broken_link(tree: Tree) -> None:
    root = tree({"1.xml": VOC.format("1.jpg")})
    (root / "photos").symlink_to("gone")
    with pytest.raises(DataError, match="photos: is a broken symbolic link: gone is not there"):
        read(root, images=root / "photos")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"../../store/1.jpg", "holds the path ../../store/1.jpg: a symbolic link that became a text file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "is a pointer of Git LFS"),
        (b"", "cannot be read as an image"),
    ],
)
def test_what_stands_in_for_a_photo(tree: Tree, content: bytes, words: str) -> None:
    with pytest.raises(DataError) as caught:
        read(tree({"1.xml": VOC.format("1.jpg"), "1.jpg": content}))
    assert words in str(caught.value)


def test_a_photo_of_a_phone_says_what_to_do(tree: Tree) -> None:
    with pytest.raises(DataError, match=r"1\.heic: cannot be read as an image \(save it as JPEG or PNG\)"):
        read(tree({"1.xml": VOC.format("1.heic"), "1.heic": b"\0\0\0\x18ftypheic"}))


NAME = "Tür ấ.jpg"
COMPOSED, APART = normalize("NFC", NAME), normalize("NFD", NAME)
FORMS = [(COMPOSED, APART), (APART, COMPOSED), (APART, APART), (COMPOSED, COMPOSED)]


def annotated(name: str, folder: str) -> dict[str, dict[str, Any]]:
    """A file of each format that states this name, in a folder that may have an accent itself."""
    stem = name[:-4]
    cvat = f'<image id="0" name="{folder}{name}" width="100" height="50">'
    cvat = f'<annotations><meta/>{cvat}<box label="dent" xtl="1" ytl="1" xbr="2" ybr="2"/></image></annotations>'
    shape = {"label": "dent", "shape_type": "rectangle", "points": [[1, 1], [2, 2]]}
    region = {"shape_attributes": {"name": "rect", "x": 1, "y": 1, "width": 3, "height": 3},
              "region_attributes": {"label": "dent"}}  # fmt: skip
    coco = {"images": [{"id": 1, "file_name": f"{folder}{name}", "width": 100, "height": 50}],
            "categories": [{"id": 1, "name": "dent"}],
            "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 2, 2]}]}  # fmt: skip
    return {
        "voc": {f"Annotations/{folder}{stem}.xml": VOC.format(name)},
        "voc, by the file's name": {f"Annotations/{folder}{stem}.xml": VOC.format("")},
        "cvat": {"a.xml": cvat},
        "coco": {"a.json": json.dumps(coco)},
        "labelme": {f"images/{folder}{stem}.json": json.dumps({"version": "5", "shapes": [shape], "imagePath": name})},
        "via": {"a.json": json.dumps({"1": {"filename": f"{folder}{name}", "regions": [region]}})},
        "yolo": {f"labels/{folder}{stem}.txt": "0 0.5 0.5 0.2 0.4\n", "classes.txt": "dent\n"},
    }


@pytest.mark.parametrize(("stated", "stored"), FORMS)
@pytest.mark.parametrize("folder", ["", "Stra\u00dfe/", "é/"])
@pytest.mark.parametrize("form", list(annotated("x.jpg", "")))
def test_names_are_the_same_text_however_their_accents_are_stored(
    tmp_path: Path, form: str, folder: str, stated: str, stored: str
) -> None:
    on_disk = normalize("NFD", folder) if stored == APART else folder
    files = annotated(stated, folder)[form]
    for file, content in {**files, f"images/{on_disk}{stored}": photo(*PHOTO)}.items():
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    problems = Problems()
    (image,) = read(tmp_path, problems=problems).images
    assert (len(image.boxes), image.path) == (1, tmp_path / f"images/{on_disk}{stored}")
    assert normalize("NFC", image.name) == folder + COMPOSED
    assert {problem.kind for problem in problems} <= {
        "wrong <filename>",
        "undeclared class",
        "label file by another spelling",
    }


def test_two_photos_whose_names_differ_in_that_alone_stay_two(tree: Tree) -> None:
    files = dict.fromkeys((COMPOSED, APART), PHOTO)
    root = tree({**files, f"{APART[:-4]}.xml": VOC.format(APART), f"{COMPOSED[:-4]}.xml": VOC.format(COMPOSED)})
    assert sorted(image.name for image in read(root)) == sorted((COMPOSED, APART))


def test_splits_and_classes_too(tree: Tree) -> None:
    door = [normalize(form, "Tür") for form in ("NFC", "NFD")]
    pages = {f"Annotations/{n}.xml": VOC.format(f"{n}.jpg").replace("dent", word) for n, word in enumerate(door)}
    listed = {"ImageSets/Main/val.txt": f"{APART[:-4]}\n", f"Annotations/{COMPOSED[:-4]}.xml": VOC.format(COMPOSED)}
    photos = {f"JPEGImages/{name}": PHOTO for name in ("0.jpg", "1.jpg", COMPOSED)}
    dataset = read(tree({**pages, **listed, **photos}))
    assert dataset.classes == ("dent", door[0]) or dataset.classes == (door[0], "dent")
    assert [image.split for image in dataset if image.name == COMPOSED] == ["val"]
