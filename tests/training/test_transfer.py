"""Starting from what others have learnt: backbones, frozen blocks, slower layers; and losses with class weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torchvision.models as classifiers
from torchvision.models import detection as zoo
from torchvision.models import vgg

from detect.errors import ModelError
from detect.models.families import build, fixed_size
from detect.models.torchvision.detector import Torchvision
from detect.models.weights import Weights, fill, load_tensors, save_weights
from detect.recipes import Recipe
from detect.training.torchvision.backbone import stages, start
from detect.training.torchvision.losses import Losses
from detect.training.transfer import freeze, given, parameter_groups

FAMILIES = {  # detector: classifier that holds its backbone, and how many of the classifier's tensors it takes
    "fasterrcnn_resnet18_fpn": "resnet18",
    "retinanet_resnet50_fpn": "resnet50",
    "fasterrcnn_mobilenet_v3_large_320_fpn": "mobilenet_v3_large",
    "ssdlite320_mobilenet_v3_large": "mobilenet_v3_large",
    "ssd300_vgg16": "vgg16",
}


pytestmark = pytest.mark.usefixtures("narrow")


def recipe(model: str = "fasterrcnn_resnet18_fpn", **more: Any) -> Recipe:
    return Recipe(model=model, imgsz=fixed_size(model) or 64, **more)


def begin(module: Any, asked: Recipe) -> str:
    """Give it what the recipe starts from, as a training does; what is said of it."""
    return start(module, asked, given(asked))


@pytest.fixture(scope="module")
def built(narrow: None) -> Callable[[str], Any]:
    """A detector for two classes by its name, which is built once and learns in all of its parts."""
    return lambda model: once(model).requires_grad_(True)


@cache
def once(model: str) -> Any:
    return build(recipe(model), 2)


class Slim(torch.nn.Linear):
    """A layer of VGG's classifier, of which a detector takes nothing: 120 M numbers otherwise."""

    def __init__(self, wide: int, out: int) -> None:
        super().__init__(wide // 64, out)


@pytest.mark.parametrize("model", FAMILIES)
def test_a_classifiers_backbone_is_taken_over(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The picture gives the same features in the detector's backbone as in the classifier."""
    torch.manual_seed(0)
    family = FAMILIES[model]
    extra = {"reduced_tail": True} if model.startswith("ssdlite") else {}
    monkeypatch.setattr(vgg, "nn", SimpleNamespace(**{**vars(torch.nn), "Linear": Slim}))
    classifier = getattr(classifiers, family)(weights=None, **extra).eval()
    torch.save(classifier.state_dict(), tmp_path / "classifier.pt")
    given = recipe(model, backbone=tmp_path / "classifier.pt")
    module = build(given, 2).eval()
    said = begin(module, given)
    assert "tensors taken from" in said
    first = next(iter(stages(module)[0].parameters()))
    theirs = next(iter(classifier.parameters()))
    assert torch.equal(first, theirs)
    last = [p for p in stages(module)[-1].parameters() if p.ndim == 4][-1]
    assert any(last.shape == p.shape and torch.equal(last, p) for p in classifier.parameters())


@pytest.mark.parametrize("model", ["fasterrcnn_resnet18_fpn", "fasterrcnn_resnet50_fpn", "retinanet_resnet50_fpn"])
def test_a_resnet_that_starts_from_weights_keeps_its_statistics(model: str, tmp_path: Path) -> None:
    def norms(module: torch.nn.Module) -> set[str]:
        return {type(part).__name__ for part in module.modules() if "BatchNorm" in type(part).__name__}

    assert norms(build(recipe(model), 2)) == {"BatchNorm2d"}
    started = build(recipe(model, weights=tmp_path / "weights.pt"), 2)
    assert norms(started) == {"FrozenBatchNorm2d"}
    before = {name: value.clone() for name, value in started.backbone.body.named_buffers()}
    side, box = torch.rand(3, 64, 64), torch.tensor([[8.0, 8.0, 40.0, 40.0]])
    started.train()([side, side], [{"boxes": box, "labels": torch.tensor([1])}] * 2)
    assert all(torch.equal(before[name], value) for name, value in started.backbone.body.named_buffers())


def test_weights_of_counting_norms_fill_frozen_ones(tmp_path: Path) -> None:
    """Runs of earlier versions hold the number of batches that each norm saw."""
    given = recipe(weights=tmp_path / "weights.pt")
    counting = build(recipe(), 2).state_dict()
    assert any(name.endswith("num_batches_tracked") for name in counting)
    weights = Weights(given.model, ("a", "b"), 64, counting, given.model_dump(mode="json"))
    frozen = build(given, 2)
    fill(frozen, weights, "weights")
    name = "backbone.body.layer1.0.bn1.running_var"
    assert torch.equal(frozen.state_dict()[name], counting[name])
    short = {key: value for key, value in counting.items() if key != name}
    with pytest.raises(ModelError, match="does not fit"):
        fill(frozen, replace(weights, tensors=short), "weights")


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    torch.save({"nothing": torch.zeros(3)}, tmp_path / "other.pt")
    given = recipe(backbone=tmp_path / "other.pt")
    with pytest.raises(ModelError, match="not one tensor fits a classifier of the same family"):
        begin(build(given, 2), given)
    both = recipe(backbone=tmp_path / "other.pt", weights=tmp_path / "other.pt")
    with pytest.raises(ModelError, match="`weights` and `backbone` exclude each other"):
        begin(build(both, 2), both)


@pytest.mark.parametrize("model", FAMILIES)
def test_frozen_blocks_do_not_learn(model: str, built: Callable[[str], Any]) -> None:
    module = built(model)
    blocks = freeze(stages(module), recipe(model, freeze=2))
    assert len(blocks) == 2
    still = [p.requires_grad for block in stages(module) for p in block.parameters()]
    assert still.count(False) == sum(len(list(block.parameters())) for block in blocks)
    freeze(stages(module), recipe(model, freeze="backbone"))
    assert not any(p.requires_grad for block in stages(module) for p in block.parameters())
    assert any(p.requires_grad for p in module.parameters()), "the head goes on learning"


def test_more_layers_than_there_are_cannot_stay(built: Callable[[str], Any]) -> None:
    with pytest.raises(ModelError, match="freeze=99: the backbone of fasterrcnn_resnet18_fpn has"):
        freeze(stages(built(recipe().model)), recipe(freeze=99))


def test_a_run_folder_stands_for_its_weights(tmp_path: Path) -> None:
    module = build(recipe(), 2)
    save_weights(Weights("fasterrcnn_resnet18_fpn", ("a", "b"), 64, module.state_dict()), tmp_path / "weights/best.pt")
    given = recipe(weights=tmp_path)
    assert f"taken from {tmp_path}" in begin(build(given, 2), given)


def test_earlier_layers_learn_slower(built: Callable[[str], Any]) -> None:
    module = built(recipe().model)
    groups = parameter_groups(module, stages(module), recipe(layer_decay=0.5, weight_decay=0.1))
    scale = {id(p): group["scale"] for group in groups for p in group["params"]}
    blocks = stages(module)
    assert scale[id(next(blocks[-1].parameters()))] == 0.5
    assert scale[id(next(blocks[0].parameters()))] == 0.5 ** len(blocks)
    assert scale[id(next(module.roi_heads.parameters()))] == 1.0
    assert sum(len(group["params"]) for group in groups) == len(list(module.parameters()))
    for group in groups:
        assert {p.ndim > 1 for p in group["params"]} == {group["weight_decay"] > 0}
    assert {group["scale"] for group in parameter_groups(module, stages(module), recipe())} == {1.0}


TARGETS = [{"boxes": torch.tensor([[8.0, 8.0, 40.0, 40.0]]), "labels": torch.tensor([1])},
           {"boxes": torch.tensor([[20.0, 20.0, 60.0, 50.0]]), "labels": torch.tensor([2])}]  # fmt: skip
CLASSIFIES = {
    "fasterrcnn_resnet18_fpn": "loss_classifier",
    "retinanet_resnet50_fpn": "classification",
    "ssdlite320_mobilenet_v3_large": "classification",
}


def loss(model: str, weights: tuple[float, ...], targets: Any = TARGETS) -> float:
    """The part of the loss that tells classes apart, by the same model on the same pictures."""
    torch.manual_seed(0)
    losses = Losses(build(recipe(model), 2), weights).train()
    torch.manual_seed(1)
    size = recipe(model).imgsz
    pictures = [torch.randint(0, 256, (3, size, size), dtype=torch.uint8) for _ in targets]
    return float(losses(pictures, targets)[CLASSIFIES[model]].detach())


@pytest.mark.parametrize("model", CLASSIFIES)
def test_class_weights_change_the_loss_and_ones_do_not(model: str) -> None:
    plain = loss(model, ())
    assert loss(model, (1.0, 1.0)) == pytest.approx(plain, rel=1e-5)
    assert loss(model, (5.0, 0.2)) != pytest.approx(plain, rel=1e-4)
    if not model.startswith("fasterrcnn"):  # whose loss is a weighted mean
        reds = TARGETS[:1] * 2
        assert loss(model, (5.0, 1.0), reds) > loss(model, (), reds) > loss(model, (0.2, 1.0), reds)


def test_ssd_learns_from_undamaged_photos() -> None:
    empty = [{"boxes": torch.empty(0, 4), "labels": torch.empty(0, dtype=torch.int64)}] * 2
    assert loss("ssdlite320_mobilenet_v3_large", (), empty) > 0


def test_an_ssdlite_takes_all_of_a_mobilenet(tmp_path: Path) -> None:
    """As ImageNet's weights have it, twice as wide at its end as torchvision builds it for an SSDLite; and for good."""
    torch.manual_seed(0)
    classifier = classifiers.mobilenet_v3_large(weights=None)
    torch.save(classifier.state_dict(), tmp_path / "classifier.pt")
    asked = recipe("ssdlite320_mobilenet_v3_large", backbone=tmp_path / "classifier.pt")
    module = build(asked, 2, given(asked))
    begin(module, asked)
    own = [p for name, p in module.named_parameters() if name.startswith("backbone.features.")]
    theirs = list(classifier.features.parameters())
    assert all(torch.equal(a, b) for a, b in zip(own, theirs, strict=False))
    assert len(own) == len(theirs) > 150
    weights = Weights(asked.model, ("a", "b"), 320, module.state_dict(), asked.model_dump(mode="json"))
    save_weights(weights, tmp_path / "run/weights/best.pt")
    assert Torchvision(weights).module.state_dict().keys() == module.state_dict().keys()
    again = recipe(asked.model, weights=tmp_path / "run")
    assert begin(build(again, 2, given(again)), again).startswith(f"{len(weights.tensors)} of {len(weights.tensors)}")
    assert len(module([torch.rand(3, 320, 320)] * 2, TARGETS)) == 2
    small = recipe(asked.model)
    assert sum(p.numel() for p in build(small, 2, given(small)).parameters()) < 2.3e6


@pytest.mark.parametrize(("model", "other"), [("fasterrcnn_resnet18_fpn", "resnet50"),
    ("fasterrcnn_mobilenet_v3_large_320_fpn", "mobilenet_v3_small")])  # fmt: skip
def test_the_backbone_of_another_network_is_refused(model: str, other: str, tmp_path: Path) -> None:
    """Some of its tensors fit by name and shape, and mean something else."""
    torch.save(getattr(classifiers, other)(weights=None).state_dict(), tmp_path / "other.pt")
    asked = recipe(model, backbone=tmp_path / "other.pt")
    with pytest.raises(ModelError, match=r"is the backbone of another network: backbone\.body\..* in it, and .* here"):
        begin(build(asked, 2), asked)


def test_weights_that_hardly_fit_are_doubted(tmp_path: Path) -> None:
    torch.save(build(recipe("fasterrcnn_resnet34_fpn"), 2).state_dict(), tmp_path / "other.pt")
    torch.save(build(recipe(), 5).state_dict(), tmp_path / "same.pt")
    asked = recipe("retinanet_resnet50_fpn", weights=tmp_path / "other.pt")
    assert begin(build(asked, 2), asked).endswith("% of the model: are they of another one?")
    asked = recipe(weights=tmp_path / "same.pt")
    assert begin(build(asked, 2), asked).endswith("same.pt")
    counters = {k: v for k, v in load_tensors(tmp_path / "same.pt").items() if k.endswith("num_batches_tracked")}
    torch.save(counters, tmp_path / "counters.pt")
    asked = recipe(weights=tmp_path / "counters.pt")
    with pytest.raises(ModelError, match="not one tensor fits this model"):
        begin(build(recipe(), 2), asked)


def test_all_of_vgg_is_ssds_backbone(built: Callable[[str], Any]) -> None:
    module = built("ssd300_vgg16")
    assert len(freeze(stages(module), recipe("ssd300_vgg16", freeze="backbone"))) == 13
    assert [p.requires_grad for p in module.backbone.extra[0].parameters()] == [False] * 6 + [True] * 4


def test_ssd300_is_torchvisions(built: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """But for the classifier of its VGG, which is drawn nowhere here."""
    module = built("ssd300_vgg16")
    features = vgg.make_layers(vgg.cfgs["D"])
    monkeypatch.setattr(zoo.ssd, "vgg16", lambda **how: SimpleNamespace(features=features))
    theirs = zoo.ssd300_vgg16(weights=None, weights_backbone=None, num_classes=3)
    assert repr(module) == repr(theirs)
    assert [p.shape for p in module.parameters()] == [p.shape for p in theirs.parameters()]
    assert module.state_dict().keys() == theirs.state_dict().keys()
    anchors = [dict(vars(one.anchor_generator)) for one in (module, theirs)]
    assert all(torch.equal(a, b) for a, b in zip(*(one.pop("_wh_pairs") for one in anchors), strict=True))
    assert anchors[0] == anchors[1]
    assert vars(module.transform) == vars(theirs.transform)
    drawn = module.backbone.features[10].weight.detach()  # for signals that go back, as He et al. have it
    assert float(drawn.std()) == pytest.approx((2 / (len(drawn) * 9)) ** 0.5, rel=0.05)
    assert not any(p.any() for name, p in module.backbone.features.named_parameters() if name.endswith("bias"))
