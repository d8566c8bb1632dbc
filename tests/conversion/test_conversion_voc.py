"""Pascal VOC XML: what LabelImg and the devkit write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from detect.conversion import read, write
from detect.data import Attributes, Box, Dataset, Image
from detect.errors import DataError, Problems

Tree = Callable[..., Path]


def xml(filename: str = "1.jpg", objects: str = "", size: str = "<width>100</width><height>50</height>") -> str:
    return f"<annotation><filename>{filename}</filename><size>{size}</size>{objects}</annotation>"


def obj(corners: tuple[object, ...] = (10, 20, 30, 40), name: str = "dent", more: str = "") -> str:
    keys = ("xmin", "ymin", "xmax", "ymax")
    bounds = "".join(f"<{key}>{value}</{key}>" for key, value in zip(keys, corners, strict=True))
    return f"<object><name>{name}</name>{more}<bndbox>{bounds}</bndbox></object>"


LABELIMG = """<annotation verified="yes">
	<folder>photos</folder>
	<filename>1.jpg</filename>
	<path>C:\\photos\\1.jpg</path>
	<source>
		<database>Unknown</database>
	</source>
	<size>
		<width>100</width>
		<height>50</height>
		<depth>3</depth>
	</size>
	<segmented>0</segmented>
	<object>
		<name>dent</name>
		<pose>Unspecified</pose>
		<truncated>1</truncated>
		<difficult>0</difficult>
		<bndbox>
			<xmin>1</xmin>
			<ymin>20</ymin>
			<xmax>30</xmax>
			<ymax>40</ymax>
		</bndbox>
	</object>
</annotation>
"""


@pytest.mark.parametrize(
    "layout",
    [
        {"1.xml": LABELIMG, "1.jpg": (100, 50)},  # beside the photo
        {"Annotations/1.xml": LABELIMG, "JPEGImages/1.jpg": (100, 50)},  # the devkit's folders
        {"xml/1.xml": LABELIMG, "photos/1.jpg": (100, 50)},  # folders of no known name
        {"1.xml": LABELIMG.replace("\n", "\r\n"), "1.JPG": (100, 50)},  # Windows line ends, an upper-case ending
        {"1.xml": "\ufeff" + LABELIMG, "1.jpg": (100, 50)},  # byte order mark
        {"1.XML": LABELIMG.encode("utf-16"), "1.jpg": (100, 50)},  # another encoding
    ],
)
def test_layouts(tree: Tree, layout: dict[str, object]) -> None:
    dataset = read(tree(layout))
    assert dataset.classes == ("dent",)
    (image,) = dataset.images
    assert (image.width, image.height, image.split) == (100, 50, None)
    assert image.name.lower().endswith("1.jpg")
    assert image.path is not None and image.path.is_file()
    assert image.boxes == (Box("dent", 1.0, 20.0, 30.0, 40.0, None, Attributes(truncated=True)),)


@pytest.mark.parametrize(
    ("filename", "files", "matched", "kinds"),
    [
        ("1.jpg", ["1.jpg"], "1.jpg", []),
        ("1", ["1.jpg"], "1.jpg", ["wrong <filename>"]),  # without its ending
        ("", ["1.jpg"], "1.jpg", ["wrong <filename>"]),  # none
        ("old-name.jpg", ["1.png"], "1.png", ["wrong <filename>"]),  # the photo was renamed
        (r"D:\work\1.jpg", ["1.jpg"], "1.jpg", []),  # a Windows path
        ("1.JPG", ["1.jpg"], "1.jpg", []),  # another case
        ("2.jpg", ["2.jpg"], "2.jpg", []),  # the XML was renamed
        ("1.jpg", ["a/1.jpg"], "a/1.jpg", []),  # further down
        ("a/1.jpg", ["a/1.jpg", "b/1.jpg"], "a/1.jpg", ["image without annotations"]),  # told apart by its path
    ],
)
def test_matching(tree: Tree, filename: str, files: list[str], matched: str, kinds: list[str]) -> None:
    problems = Problems()
    root = tree({"1.xml": xml(filename, obj()), **dict.fromkeys(files, (100, 50))})
    dataset = read(root, problems=problems)
    assert [image.name for image in dataset.images if image.boxes] == [matched]
    assert [problem.kind for problem in problems] == kinds


def test_a_filename_that_names_another_annotated_photo_does_not_steal_it(tree: Tree) -> None:
    root = tree({"1.xml": xml("2.jpg", obj()), "2.xml": xml("2.jpg"), "1.jpg": (100, 50), "2.jpg": (100, 50)})
    dataset = read(root)
    assert [(image.name, len(image.boxes)) for image in dataset.images] == [("1.jpg", 1), ("2.jpg", 0)]


def test_photos_of_one_name_belong_to_the_xml_in_the_same_subfolder(tree: Tree) -> None:
    pages = {f"Annotations/{day}/1.xml": xml("1.jpg", obj((day, 1, 9, 9))) for day in (2, 3)}
    root = tree({**pages, "JPEGImages/2/1.jpg": (100, 50), "JPEGImages/3/1.jpg": (100, 50)})
    assert [(image.name, image.boxes[0].x1) for image in read(root).images] == [("2/1.jpg", 2), ("3/1.jpg", 3)]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"1.xml": xml()[:40], "1.jpg": (100, 50)}, "1.xml: is not good XML"),  # cut off
        ({"1.xml": xml(objects=obj(("a", 1, 2, 3))), "1.jpg": (100, 50)}, "object 1: <bndbox> needs xmin"),
        ({"1.xml": xml(objects=obj(("", 1, 2, 3))), "1.jpg": (100, 50)}, "object 1: <bndbox> needs xmin"),
        ({"1.xml": xml(objects=obj(("nan", 1, 2, 3))), "1.jpg": (100, 50)}, "object 1: dent: a corner is NaN"),
        ({"1.xml": xml(objects="<object><name>a</name></object>"), "1.jpg": (100, 50)}, "has no <bndbox>"),
        ({"1.xml": xml(), "1.jpg": "no image"}, "1.jpg: cannot be read as an image"),
        ({"1.xml": xml(size="")}, "the image is missing and the file gives no size"),
        ({"1.xml": xml(), "x.xml": "<project/>", "1.jpg": (100, 50)}, "its root is <project>, not <annotation>"),
        ({"1.xml": xml(), "a/1.jpg": (100, 50), "b/1.jpg": (100, 50)}, "its image can be a/1.jpg or b/1.jpg"),
        ({"1.xml": xml(), "2.xml": xml(), "1.jpg": (100, 50)}, "1.jpg already has 1.xml"),  # two files for one photo
        ({"1.xml": xml(), "1.jpg": (100, 50), "1.png": (100, 50)}, "1.png: shares"),  # two photos but for the ending
    ],
)
def test_errors(tree: Tree, files: dict[str, object], words: str) -> None:
    root = tree({**files, "good.xml": xml("good.jpg", obj()), "good.jpg": (100, 50)})
    with pytest.raises(DataError) as caught:
        read(root)
    assert words in str(caught.value)
    assert [image.name for image in read(root, on_error="skip").images if image.boxes] in (["good.jpg"], [])


def test_skip_leaves_out_the_image_of_a_bad_object(tree: Tree) -> None:
    bad = xml(objects=obj() + obj(("x", 1, 2, 3)) + obj((1, 1, 2, 2)))
    root = tree({"1.xml": bad, "1.jpg": (100, 50), "2.xml": xml("2.jpg"), "2.jpg": (100, 50)})
    problems = Problems()
    assert [image.name for image in read(root, on_error="skip", problems=problems)] == ["2.jpg"]
    assert [(problem.kind, problem.file, problem.where) for problem in problems] == [
        ("not a number", f"{root}/1.xml", "object 2"),
        ("image left out", f"{root}/1.jpg", ""),
    ]


def test_all_errors_come_at_once(tree: Tree) -> None:
    root = tree({"1.xml": "<annotation>", "2.xml": xml("2.jpg", obj(("x", 1, 2, 3))), "2.jpg": (9, 9)})
    with pytest.raises(DataError) as caught:
        read(root)
    assert len(caught.value.problems) == 2


def test_the_photo_decides_its_size(tree: Tree) -> None:
    problems = Problems()
    root = tree({"1.xml": xml(objects=obj((10, 20, 30, 40))), "1.jpg": (30, 35)})
    (image,) = read(root, problems=problems).images
    assert (image.width, image.height, image.boxes[0].xyxy) == (30, 35, (10, 20, 30, 35))
    assert [problem.kind for problem in problems] == ["wrong image size", "box clipped"]


@pytest.mark.parametrize(
    ("stated", "kinds"),
    [
        ("<width>50</width><height>100</height>", []),  # upright, as LabelImg shows it
        ("<width>100</width><height>50</height>", ["size before EXIF rotation"]),  # as stored
        ("<width>0</width><height>0</height>", []),  # not stated
        ("<width>7</width><height>7</height>", ["wrong image size"]),
    ],
)
def test_exif(tree: Tree, stated: str, kinds: list[str]) -> None:
    problems = Problems()
    root = tree({"1.xml": xml(objects=obj((10, 20, 30, 90)), size=stated), "1.jpg": (100, 50, 6)})
    (image,) = read(root, problems=problems).images
    assert (image.width, image.height, image.boxes[0].xyxy) == (50, 100, (10, 20, 30, 90))
    assert [problem.kind for problem in problems] == kinds


def test_a_missing_photo_is_kept_when_the_size_is_stated(tree: Tree) -> None:
    problems = Problems()
    (image,) = read(tree({"Annotations/a/1.xml": xml(objects=obj())}), problems=problems).images
    assert (image.name, image.width, image.path) == ("a/1.jpg", 100, None)
    assert [problem.kind for problem in problems] == ["image missing"]


def test_flags_pose_and_other_attributes(tree: Tree) -> None:
    more = (
        "<pose>Left</pose><truncated>0</truncated><difficult>1</difficult><attributes>"
        "<attribute><name>severity</name><value>3</value></attribute>"
        "<attribute><name>sure</name><value>true</value></attribute>"
        "<attribute><name>place</name><value>left door</value></attribute></attributes>"
    )
    (image,) = read(tree({"1.xml": xml(objects=obj(more=more)), "1.jpg": (100, 50)})).images
    expected = {"difficult": True, "pose": "Left", "severity": 3, "sure": True, "place": "left door"}
    assert image.boxes[0].attributes == expected


def test_parts_of_an_object_are_no_objects(tree: Tree) -> None:
    part = "<part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></part>"
    dataset = read(tree({"1.xml": xml(objects=obj(more=part)), "1.jpg": (100, 50)}))
    assert (dataset.classes, dataset.boxes) == (("dent",), 1)


def test_a_photo_without_xml_is_kept(tree: Tree) -> None:
    problems = Problems()
    root = tree({"1.xml": xml(objects=obj()), "1.jpg": (100, 50), "clean.jpg": (8, 8)})
    assert [(image.name, len(image.boxes)) for image in read(root, problems=problems).images] == [
        ("1.jpg", 1),
        ("clean.jpg", 0),
    ]
    assert problems.counts() == {("note", "image without annotations"): 1}


def test_masks_of_the_devkit_are_no_photos(tree: Tree) -> None:
    files = {"Annotations/1.xml": xml(), "JPEGImages/1.jpg": (100, 50), "SegmentationClass/1.png": (100, 50)}
    assert [image.name for image in read(tree(files)).images] == ["1.jpg"]


def test_splits_from_image_sets(tree: Tree) -> None:
    files: dict[str, object] = {f"Annotations/{n}.xml": xml(f"{n}.jpg") for n in (1, 2, 3)}
    files |= {f"JPEGImages/{n}.jpg": (100, 50) for n in (1, 2, 3)}
    lists = {"train": "1\n", "val": "2\n", "trainval": "1\n2\n", "dent_train": "1  1\n2 -1\n3 -1\n"}
    files |= {f"ImageSets/Main/{name}.txt": text for name, text in lists.items()}
    assert [image.split for image in read(tree(files)).images] == ["train", "val", None]


def test_splits_from_folders_as_roboflow_writes_them(tree: Tree) -> None:
    folders = ("train", "valid")
    root = tree({f"{f}/1.{end}": xml() if end == "xml" else (100, 50) for f in folders for end in ("xml", "jpg")})
    assert [(image.name, image.split) for image in read(root).images] == [
        ("train/1.jpg", "train"),
        ("valid/1.jpg", "val"),
    ]


def test_a_single_file(tree: Tree) -> None:
    root = tree({"1.xml": xml(objects=obj()), "1.jpg": (100, 50), "2.jpg": (8, 8)})
    assert [image.name for image in read(root / "1.xml").images] == ["1.jpg"]


def test_photos_elsewhere(tree: Tree) -> None:
    photos = tree({"sub/1.jpg": (100, 50)}, "photos")
    dataset = read(tree({"1.xml": xml(objects=obj())}), images=photos)
    assert [(image.name, image.path) for image in dataset.images] == [("sub/1.jpg", photos / "sub/1.jpg")]


def test_a_folder_of_annotations_finds_the_photos_beside_it(tree: Tree) -> None:
    root = tree({"Annotations/1.xml": xml(objects=obj()), "JPEGImages/1.jpg": (100, 50)})
    assert read(root / "Annotations").images[0].path == root / "JPEGImages/1.jpg"


def test_the_class_file_gives_the_order(tree: Tree) -> None:
    problems = Problems()
    objects = obj(name="dent") + obj((1, 1, 2, 2), name="rust")
    root = tree({"1.xml": xml(objects=objects), "1.jpg": (100, 50), "classes.txt": "scratch\ndent\n"})
    assert read(root, problems=problems).classes == ("scratch", "dent", "rust")
    assert problems.counts() == {("repaired", "undeclared class"): 1}


def test_written_as_labelimg_writes_it(tree: Tree, tmp_path: Path) -> None:
    root = tree({"1.xml": LABELIMG, "1.jpg": (100, 50)})
    write(read(root), tmp_path / "out", "voc")
    written = (tmp_path / "out/Annotations/1.xml").read_text()
    expected = LABELIMG.replace(' verified="yes"', "").replace("photos</folder>", "JPEGImages</folder>")
    assert written == expected.replace("\t<path>C:\\photos\\1.jpg</path>\n", "")


def test_fractions_are_written_only_where_there_are_any(tmp_path: Path) -> None:
    boxes = (Box("a", 1.0, 2.5, 3.0, 4.123456),)
    write(Dataset(("a",), (Image("1.jpg", 9, 9, boxes),)), tmp_path / "out", "voc", media="none")
    written = (tmp_path / "out/Annotations/1.xml").read_text()
    assert "<xmin>1</xmin>" in written and "<ymin>2.5</ymin>" in written and "<ymax>4.123456</ymax>" in written


def test_two_photos_but_for_the_ending_have_two_files(tmp_path: Path) -> None:
    images = tuple(Image(f"1.{end}", 9, 9, (Box("a", 1.0, 1.0, 2.0, n),)) for n, end in ((3.0, "jpg"), (4.0, "png")))
    dataset = Dataset(("a",), images)
    assert read(write(dataset, tmp_path / "out", "voc", media="none")) == dataset
