"""Files made to do harm, broken files, a full disk: a clear error, nothing from elsewhere, nothing half-written."""

from __future__ import annotations

import errno
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detect.conversion import FORMATS, read, safe_xml, write
from detect.data import Box, Dataset, Image
from detect.errors import ConfigError, DataError, DetectError
from detect.questions import Question

Tree = Callable[..., Path]

BOMB = (
    '<!DOCTYPE lolz [<!ENTITY a "' + "lol" * 100 + '">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 100}">' for n in range(8))
    + "]>"
)  # fmt: skip
HEADS = {
    "entity bomb": BOMB,
    "external entity": '<!DOCTYPE a [<!ENTITY i SYSTEM "file:///etc/hostname">]>',
    "external document type": '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd">',
    "document type behind a long comment": f"<!--{'x' * 600_000}-->" + '<!DOCTYPE a [<!ENTITY i "x">]>',
    "document type behind a declaration": '<?xml version="1.0"?>\n<!DOCTYPE a [<!ENTITY i "x">]>',
}
FOLDERS = [row.name for row in FORMATS.values() if row.write is not None]
VOC = "{}<annotation><filename>1.jpg</filename><object><name>&i;</name></object></annotation>"
CVAT = '{}<annotations><meta/><image id="0" name="&i;" width="9" height="9"/></annotations>'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
@pytest.mark.parametrize("text", [VOC, CVAT], ids=["voc", "cvat"])
def test_document_types_are_refused(tree: Tree, text: str, head: str, encoding: str) -> None:
    root = tree({"1.xml": text.format(head).encode(encoding), "1.jpg": (9, 9)})
    with pytest.raises(DataError, match="<!DOCTYPE"):
        read(root, format="voc" if text == VOC else "cvat")


def test_the_parser_in_use_is_safe_by_itself() -> None:
    import pyexpat

    assert pyexpat.version_info >= (2, 4, 1)  # the first that stops an entity bomb


@pytest.mark.parametrize("encoding", ["cp037", "cp500"])  # EBCDIC; multi-byte ones the parser refuses itself
def test_encodings_that_hide_a_document_type_are_refused(tree: Tree, encoding: str) -> None:
    head = f'<?xml version="1.0" encoding="{encoding}"?>'.encode()
    text = VOC.format('<!DOCTYPE a [<!ENTITY i "x">]>').encode(encoding)
    with pytest.raises(DataError, match=f"encoding {encoding} is none of those"):
        read(tree({"1.xml": head + text, "1.jpg": (9, 9)}), format="voc")


def test_a_document_type_across_two_chunks_is_seen(tmp_path: Path) -> None:
    chunk = safe_xml._CHUNK
    for cut in range(1, len("<!DOCTYPE")):
        path = tmp_path / "a.xml"
        path.write_bytes(b"<!--".ljust(chunk - cut - 3, b"x") + b'--><!DOCTYPE a [<!ENTITY i "x">]><annotations/>')
        with pytest.raises(safe_xml.UnsafeXML):
            list(safe_xml.stream(path, ("annotations",)))


def test_deep_nesting(tree: Tree) -> None:
    deep = 20_000
    files = {
        "a.json": '{"images": ' + "[" * deep + "]" * deep + "}",
        "b.xml": "<annotation>" + "<a>" * deep + "</a>" * deep + "</annotation>",
        "c.yaml": "format: voc\npath: " + "[" * deep,
    }
    root = tree(files)
    for name, form in (("a.json", "coco"), ("c.yaml", None)):
        with pytest.raises(DetectError):
            read(root / name, format=form)
    with pytest.raises(DataError, match="the image is missing"):  # read, and found to hold nothing
        read(root / "b.xml", format="voc")


def test_names_do_not_leave_the_folder(tree: Tree, tmp_path: Path) -> None:
    rows = [{"id": 1, "file_name": "../../../evil.jpg", "width": 9, "height": 9}]
    root = tree({"a.json": json.dumps({"images": rows, "annotations": [], "categories": []})})
    assert [image.name for image in read(root).images] == ["evil.jpg"]


NAMES = ["../evil.jpg", "/etc/evil.jpg", "a/../../evil.jpg", "", ".", "a//b.jpg", "a\n.jpg", "C:/a.jpg"]


@pytest.mark.parametrize("name", NAMES)
def test_names_that_no_file_may_have_are_not_written(name: str, tmp_path: Path) -> None:
    for form in FOLDERS:
        with pytest.raises(DataError):
            write(Dataset((), (Image(name, 9, 9),)), tmp_path / "out", form)
    assert list(tmp_path.iterdir()) == []


def test_labels_of_several_lines_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be printed"):
        write(Dataset(("a\nb",), ()), tmp_path / "out", "yolo")


@pytest.mark.parametrize("form", FOLDERS)
def test_a_full_disk_leaves_nothing(form: str, tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photos = tree({f"{n}.jpg": (9, 9) for n in range(9)}, "photos")
    images = tuple(Image(f"{n}.jpg", 9, 9, (Box("a", 1.0, 1.0, 2.0, 2.0),), path=photos / f"{n}.jpg") for n in range(9))
    linked: list[Path] = []

    def full(source: Path, target: Path) -> None:
        if len(linked) == 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"")
        linked.append(target)

    monkeypatch.setattr("detect.conversion.media.link_or_copy", full)
    with pytest.raises(DetectError, match="No space left on device"):
        write(Dataset(("a",), images, {"view": Question(("front",))}), tmp_path / "out", form)
    assert len(linked) == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos"]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")

    def full(*arguments: object) -> list[object]:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("detect.conversion.coco.writer._annotations", full)  # in mid-write
    with pytest.raises(DetectError, match="No space left"):
        write(Dataset((), (Image("1.jpg", 9, 9),)), path, "coco")
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("nowhere", "there is no such file or folder"),
        ("empty", "the folder is empty"),
        ("photos", "holds 1 image but no annotations"),
        ("photos/1.jpg", "is an image; name the folder it is in"),
        ("a.zip", "is not a good zip file"),
        ("a.txt", "no known annotation format"),
        ("a.tar", "is an archive that cannot be read; unpack it"),
        ("empty.json", "no known annotation format"),
        ("both", "holds annotations in voc and yolo; say which to read with --from"),
    ],
)
def test_what_is_no_dataset(tree: Tree, source: str, words: str) -> None:
    root = tree({"photos/1.jpg": (9, 9), "a.zip": "PK", "a.txt": "hello", "a.tar": "", "empty.json": "[]",
                 "both/1.xml": "<annotation/>", "both/1.txt": "0 0.5 0.5 0.1 0.1", "both/1.jpg": (9, 9)})  # fmt: skip
    (root / "empty").mkdir()
    with pytest.raises(DataError) as caught:
        read(root / source)
    assert words in str(caught.value)
    assert str(root / source) in str(caught.value)


def test_what_cannot_be_opened(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: str) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", path)

    monkeypatch.setattr("detect.conversion.source.os.scandir", denied)
    with pytest.raises(DataError, match="cannot be read: Permission denied"):
        read(tree({"1.xml": "<annotation/>"}))


def test_unknown_formats(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean yolo"):
        read(tmp_path, format="yolov8")
    with pytest.raises(ConfigError, match="formats: voc, voc-devkit, yolo, darknet, createml, cvat, "):
        write(Dataset((), ()), tmp_path / "out", "tfrecord")
    with pytest.raises(ConfigError, match="only coco and coco-results"):
        write(Dataset((), ()), tmp_path / "out.json", "yolo")


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/precious").touch()
    with pytest.raises(DetectError, match="already there"):
        write(Dataset((), (Image("1.jpg", 9, 9),)), tmp_path / "out", "voc")


GOOD = {
    "voc": ("1.xml", VOC.format("").replace("&i;", "dent").replace("</object>", (
        "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>5</xmax><ymax>5</ymax></bndbox></object>"))),
    "yolo": ("1.txt", "0 0.5 0.5 0.25 0.25\n1 0.1 0.1 0.1 0.1 0.9\n0 0.1 0.1 0.2 0.2 0.3 0.1\n"),
    "yolo header": ("data.yaml", "path: .\ntrain: .\nval: list.txt\nnames: {0: dent, 1: scratch}\n"),
    "cvat": ("a.xml", '<annotations><meta><task><labels><label><name>dent</name></label></labels></task></meta>'
        '<image id="0" name="1.jpg" width="9" height="9">'
        '<box label="dent" xtl="1" ytl="1" xbr="5" ybr="5" rotation="3"/>'
        '<mask label="dent" left="1" top="1" width="2" height="2" rle="1, 3"/>'
        '<polygon label="dent" points="1,1;2,2;3,1"/>'
        "</image></annotations>"),
    "cvat-video": ("a.xml", '<annotations><meta><task><size>3</size><labels><label><name>dent</name></label></labels>'
        '</task></meta><track id="0" label="dent"><box frame="0" outside="0" xtl="1" ytl="1" xbr="5" ybr="5"/>'
        '<box frame="2" outside="0" xtl="2" ytl="1" xbr="5" ybr="5" rotation="5"/></track></annotations>'),
    "darknet": ("obj.data", "classes = 2\ntrain = data/list.txt\nvalid = list.txt\nnames = data/classes.txt\n"),
    "createml": ("a.json", json.dumps([{"image": "1.jpg", "annotations": [
        {"label": "dent", "coordinates": {"x": 4, "y": 4, "width": 2, "height": 2}}]}])),
    "coco-results": ("a.json", json.dumps([
        {"image_id": 1, "category_id": 1, "bbox": [1, 1, 2, 2], "score": 0.5}])),
    "label-studio": ("a.json", json.dumps([{"id": 1, "data": {"image": "/upload/1.jpg"}, "annotations": [{"result": [
        {"id": "a", "type": "rectanglelabels", "original_width": 9, "original_height": 9, "from_name": "label",
         "value": {"x": 1, "y": 1, "width": 20, "height": 20, "rotation": 3, "rectanglelabels": ["dent"]}},
        {"id": "a", "type": "choices", "from_name": "severity", "value": {"choices": ["3"]}}]}]}])),
    "labelme": ("a.json", json.dumps({"version": "5.0", "flags": {}, "imagePath": "1.jpg", "imageWidth": 9,
        "imageHeight": 9, "shapes": [{"label": "dent", "shape_type": "rectangle", "points": [[1, 1], [3, 4]],
        "group_id": None, "flags": {}}]})),
    "via": ("a.json", json.dumps({"1.jpg9": {"filename": "1.jpg", "size": 9, "file_attributes": {}, "regions": [
        {"shape_attributes": {"name": "rect", "x": 1, "y": 1, "width": 3, "height": 3},
         "region_attributes": {"label": "dent"}}]}})),
    "coco": ("a.json", json.dumps({"images": [{"id": 1, "file_name": "1.jpg", "width": 9, "height": 9}],
        "categories": [{"id": 1, "name": "dent"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 2, 2], "area": 4, "iscrowd": 0}]})),
    "csv": ("labels.csv", "image,split,width,height,damaged\n1.jpg,train,9,9,yes\n"),
    "class-folders": ("labels.yaml", "questions: {a: {labels: [x, y]}}\nfolders: {x: x, y: 2}\nsplits: [train]\n"),
    "description": ("d.yaml", "format: yolo\npath: [., sub]\nimages: .\nclasses: [dent]\nmap: {a: dent}\n"),
}  # fmt: skip
SNIPPETS = [
    b"",
    b"\0",
    b"\xff",
    b"<",
    b">",
    b"&",
    b'"',
    b"-",
    b"1e999",
    b"nan",
    b"null",
    b"[",
    b"{}",
    b"99999999999",
    b"\n",
    b":",
]


def test_every_reader_is_tried_on_damaged_files() -> None:
    tried = {kind.partition(" ")[0] for kind in GOOD} - {"description"}
    assert tried == set(FORMATS) - {"voc-devkit"}  # which voc's reader reads


@pytest.mark.parametrize("kind", GOOD)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_damaged_files_raise_nothing_but_our_errors(kind: str, data: st.DataObject) -> None:
    from tests.conversion.grey import photo

    name, text = GOOD[kind]
    content = text.encode()
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(content)))
        end = min(len(content), start + data.draw(st.integers(0, 8)))
        content = content[:start] + data.draw(st.sampled_from(SNIPPETS) | st.binary(max_size=4)) + content[end:]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        files = {"1.jpg": photo(9, 9), "classes.txt": b"dent\nscratch\n", "list.txt": b"./1.jpg\n", name: content}
        if kind == "class-folders":
            files = {name: content, "train/x/1.jpg": photo(9, 9)}
            (root / "train" / "x").mkdir(parents=True)
        for file, these in files.items():
            (root / file).write_bytes(these)
        source = root / name if name == "d.yaml" else root
        form = None if name == "d.yaml" else kind.partition(" ")[0]
        if form == "coco-results":
            (root / "ids.json").write_text(GOOD["coco"][1])
            source = root / name
        try:
            dataset = read(source, format=form, on_error="skip", ids=root / "ids.json")
        except (DataError, ConfigError):
            return
        assert all(
            0 <= box.x1 < box.x2 <= i.width and 0 <= box.y1 < box.y2 <= i.height
            for i in dataset.images
            for box in i.boxes
        )
