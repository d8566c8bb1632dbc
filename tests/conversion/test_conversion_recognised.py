"""What a file is, and whether it is read at all, does not depend on its first bytes or on the order of its keys."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from detect.conversion import read
from detect.conversion.json_kinds import kind_of
from detect.conversion.source import Source
from detect.errors import DataError, Problems

Tree = Callable[..., Path]

LONG = "A" * 100_000
"""Longer than any beginning that is looked at."""

CORNERS = (10, 20, 40, 30)
VIA_REGION = {"shape_attributes": {"name": "rect", "x": 10, "y": 20, "width": 30, "height": 10},
              "region_attributes": {"label": "dent"}}  # fmt: skip
LABELME = {"imageData": LONG, "imagePath": "1.jpg", "version": "5.0",
           "shapes": [{"label": "dent", "shape_type": "rectangle", "points": [[10, 20], [40, 30]]}]}  # fmt: skip
VIA = {"size": 1, "base64_img_data": LONG, "filename": "1.jpg", "regions": [VIA_REGION]}
CREATEML = {"label": "dent", "coordinates": {"x": 25, "y": 25, "width": 30, "height": 10}}
RESULT = {"original_width": 100, "original_height": 50, "type": "rectanglelabels", "id": "a", "value": {
    "x": 10, "y": 40, "width": 30, "height": 20, "rectanglelabels": ["dent"]}}  # fmt: skip
COCO_BOX = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 20, 30, 10]}
COCO = {"annotations": [COCO_BOX], "categories": [{"id": 1, "name": "dent"}],
        "images": [{"id": 1, "width": 100, "height": 50, "file_name": "1.jpg"}]}  # fmt: skip

DOCUMENTS: dict[str, Any] = {
    "labelme, the photo ahead of the shapes": LABELME,
    "labelme of a script, without version, flags and size": {"imageData": LONG, "shapes": LABELME["shapes"]},
    "via, the photo ahead of all else": {"1.jpg1": VIA},
    "via, as a list": [VIA],
    "via 1, as a list": [{**VIA, "fileref": "", "regions": {"0": VIA_REGION}}],
    "via, a project whose settings are long": {"_via_core": LONG, "_via_img_metadata": {"1.jpg1": VIA}},
    "createml, the name behind many annotations": [
        {"annotations": [CREATEML, *[{**CREATEML, "note": LONG}]], "image": "1.jpg"}
    ],
    "createml with a class that is called as a key of Label Studio": [
        {"image": "1.jpg", "annotations": [{**CREATEML, "label": "result"}]}
    ],
    "label-studio, the text of the photo ahead": [
        {"predictions": [LONG], "data": {"image": "1.jpg"}, "annotations": [{"result": [RESULT]}]}
    ],
    "label-studio with a key that is called as one of Create ML": [
        {"data": {"image": "1.jpg", "coordinates": "48.1, 11.6"}, "annotations": [{"result": [RESULT]}]}
    ],
    "coco, the images last": {"info": {"description": LONG}, **COCO},
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_json_is_known_by_its_structure(tree: Tree, name: str, encoding: str) -> None:
    text = " " * 70_000 + json.dumps(DOCUMENTS[name], indent=1)
    kind = name.partition(",")[0].split()[0]
    assert kind_of(json.loads(text)) == kind
    root = tree({"1.json": text.encode(encoding), "1.jpg": (100, 50)})
    (image,) = read(root).images
    assert [box.xyxy for box in image.boxes] == [CORNERS]


def test_coco_results_with_a_mask_ahead_of_the_score(tree: Tree) -> None:
    row = {"image_id": 1, "category_id": 1, "bbox": [10, 20, 30, 10], "segmentation": {"size": [50, 100]}, "score": 0.5}
    root = tree({"r.json": json.dumps([row]), "ids.json": json.dumps(COCO), "1.jpg": (100, 50)})
    (image,) = read(root / "r.json", ids=root / "ids.json").images
    assert [box.xyxy for box in image.boxes] == [CORNERS]


@pytest.mark.parametrize(
    "document", [None, 5, "x", [], {}, [[]], {"a": 1}, {"shapes": 5}, {"images": 5}, [{"image": 1}]]
)
def test_other_json_is_of_no_kind(document: Any) -> None:
    assert kind_of(document) == ""


def test_one_file_among_many_is_not_passed_over(tree: Tree) -> None:
    """The one whose keys stand otherwise used to make its photo an undamaged one."""
    documents = {f"{n}.json": json.dumps({"version": "5", **LABELME, "imagePath": f"{n}.jpg"}) for n in range(30)}
    other = json.dumps({**LABELME, "imagePath": "7.jpg"}).encode("utf-16")
    root = tree({**documents, "7.json": other, **{f"{n}.jpg": (100, 50) for n in range(30)}})
    assert [len(image.boxes) for image in read(root).images] == [1] * 30


def test_other_json_beside_and_above_does_not_hide_the_format(tree: Tree) -> None:
    others = {f"{n}.json": json.dumps({"camera": n}) for n in range(40)}
    root = tree({**others, "deep/down/1.json": json.dumps(LABELME), "deep/down/1.jpg": (100, 50)})
    assert read(root).boxes == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize(
    "ahead", [f"<!--{'x' * 30_000}-->", f"<?note {'x' * 30_000}?>", "\n" * 30_000, f"<!--{'x' * 200_000}--><!-- -->"]
)
def test_xml_is_known_behind_whatever_stands_ahead_of_its_root(tree: Tree, ahead: str, encoding: str) -> None:
    box = "<bndbox><xmin>10</xmin><ymin>20</ymin><xmax>40</xmax><ymax>30</ymax></bndbox>"
    voc = f"{ahead}<annotation><filename>1.jpg</filename><object><name>dent</name>{box}</object></annotation>"
    shape = '<box label="dent" xtl="10" ytl="20" xbr="40" ybr="30"/>'
    cvat = (
        f'{ahead}<annotations><meta/><image id="0" name="1.jpg" width="100" height="50">{shape}</image></annotations>'
    )
    for number, text in enumerate((voc, cvat)):
        (image,) = read(tree({"1.xml": text.encode(encoding), "1.jpg": (100, 50)}, str(number))).images
        assert [box.xyxy for box in image.boxes] == [CORNERS]


VOC = "<annotation><filename>{0}.jpg</filename></annotation>"
CVAT = '<annotations><meta/><image id="0" name="{0}.jpg" width="9" height="9"/></annotations>'
VIDEO = '<annotations><meta/><track id="0" label="dent"/></annotations>'


@pytest.mark.parametrize(
    ("many", "one", "words"),
    [
        # 30 files of a kind, and a last one of another
        (VOC, CVAT, "z.xml: its root is <annotations>, not <annotation>"),
        (CVAT, VOC, "holds annotations in voc and cvat"),
        (CVAT, VIDEO, "holds annotations in cvat and cvat-video"),
        (VOC, "<settings/>", "z.xml: its root is <settings>, not <annotation>"),
        ("<settings/>", VOC, "00.xml: its root is <settings>, not <annotation>"),
    ],
)
def test_xml_of_another_kind_is_not_passed_over(tree: Tree, many: str, one: str, words: str) -> None:
    files = {f"{n:02}.xml": many.format(n) for n in range(30)} | {"z.xml": one.format("z")}
    with pytest.raises(DataError) as caught:
        read(tree({**files, "z.jpg": (9, 9)}))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (json.dumps(LABELME)[:-9], "cannot be told, since it is broken"),
        (json.dumps({"imageData": "T\xfcr"}, ensure_ascii=False).encode("latin-1"), "1.json"),
    ],
)
def test_broken_json_alone_is_named(tree: Tree, content: str | bytes, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read(tree({"1.json": content, "1.jpg": (100, 50)}))


def test_a_file_is_looked_at_once(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many formats ask, and with no parsing where the beginning says it."""
    looked: list[str] = []
    parsed: list[str] = []
    head, load = Source.head, json.loads

    def counted(source: Source, file: str) -> str:
        looked.append(file)
        return head(source, file)

    def loaded(path: Any) -> Any:
        parsed.append(Path(path).name)
        return load(Path(path).read_bytes())

    monkeypatch.setattr(Source, "head", counted)
    monkeypatch.setattr("detect.conversion.json_file.load", loaded)
    usual = {"version": "5.0", "flags": {}, **{key: LABELME[key] for key in ("shapes", "imagePath", "imageData")}}
    files: Mapping[str, Any] = {f"{n}.json": json.dumps({**usual, "imagePath": f"{n}.jpg"}) for n in range(3)}
    read(tree({**files, **{f"{n}.jpg": (100, 50) for n in range(3)}}), problems=Problems())
    assert sorted(looked) == sorted(parsed) == ["0.json", "1.json", "2.json"]


@pytest.mark.parametrize(
    ("file", "content", "begins"),
    [
        ("labels/a.txt", "scratsh 0.5 0.5 0.2 0.2\n", "scratsh 0.5"),  # a class that classes.txt does not know
        ("a.txt", "[0, 0.5, 0.5, 0.2, 0.2]\n", "0, 0.5"),
        ("a.json", '{"dents": [[1, 2, 3, 4]]}', '{"dents"'),
    ],
)
def test_what_is_in_no_format_is_shown_as_it_begins(file: str, content: str, begins: str, tree: Tree) -> None:
    photo = b"".join([b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", (64).to_bytes(4, "big") * 2, b"\x08\x02\x00\x00\x00"])
    root = tree({"a.png": photo, "classes.txt": "dent\n", file: content})
    with pytest.raises(DataError) as caught:
        read(root)
    assert f"{file} is called as a photo is and begins with" in str(caught.value) and begins in str(caught.value)
