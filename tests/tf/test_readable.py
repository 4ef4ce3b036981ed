"""The rewrites for earlier TensorFlow: each alone, unchanged graphs, and equal answers before and after."""

import copy

import numpy as np
import pytest
from tensorflow.compat import v1 as tf
from tensorflow.core.protobuf import saved_model_pb2

from inference_image_contract import inputs
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from inference_image_export import verify
from inference_image_export.readable import RELEASES, obstacle, restate, rewrite
from tests.support.exporting import export_stage

OLDEST = RELEASES[0]
RANDOM = np.random.default_rng(7)


class Case:
    """A small graph, its rewritten twin, and the answers of both."""

    def __init__(self, build) -> None:
        with tf.Graph().as_default() as graph:
            self.fed, self.outputs = build()
            self.before = graph.as_graph_def()
        self.after = copy.deepcopy(self.before)
        self.reached = rewrite(self.after)

    @property
    def operators(self) -> set[str]:
        return {node.op for node in self.after.node}

    def answers(self, definition, **values):
        names = [tensor.name for tensor in self.outputs]
        with tf.Graph().as_default() as graph:
            tf.import_graph_def(definition, name="")
            with tf.Session(graph=graph, config=verify.configuration()) as session:
                return session.run(names, {self.fed[name].name: value for name, value in values.items()})

    def check_equal(self, **values) -> None:
        for one, other in zip(*(self.answers(graph, **values) for graph in (self.before, self.after)), strict=True):
            assert one.dtype == other.dtype
            assert np.array_equal(one, other)


def normal(*shape: int) -> np.ndarray:
    return RANDOM.standard_normal(shape).astype(np.float32)


def batch_norm(**attributes):
    def build():
        x = tf.placeholder(tf.float32, [None, 4, 4, 3])
        scale = [np.float32([1, 2, 3]), np.float32([0, 1, 2]), np.float32([0.5, 0, -1]), np.float32([1, 2, 0.1])]
        found = tf.raw_ops.FusedBatchNormV3(
            x=x, scale=scale[0], offset=scale[1], mean=scale[2], variance=scale[3], **attributes
        )
        return {"x": x}, [tf.identity(found.y)]

    return Case(build)


def test_batch_norm():
    case = batch_norm(is_training=False, epsilon=1e-3, exponential_avg_factor=1.0)
    assert (case.reached, "FusedBatchNorm" in case.operators) == (OLDEST, True)
    case.check_equal(x=normal(2, 4, 4, 3))


def test_batch_norm_of_a_training_is_unchanged():
    case = batch_norm(is_training=True)
    assert (case.reached.version, "FusedBatchNormV3" in case.operators) == ("1.15", True)


def suppression(operator: str, *, padded: bool = False, sigma: float = 0.0):
    def build():
        boxes, scores = tf.placeholder(tf.float32, [None, 4]), tf.placeholder(tf.float32, [None])
        threshold = tf.placeholder(tf.float32, [])
        common = {"boxes": boxes, "scores": scores, "max_output_size": 20, "iou_threshold": 0.5}
        more = {} if operator.endswith("V3") else {"pad_to_max_output_size": padded}
        more |= {"soft_nms_sigma": sigma} if operator.endswith("V5") else {}
        found = getattr(tf.raw_ops, operator)(**common, score_threshold=threshold, **more)
        outputs = list(found) if isinstance(found, tuple) else [found]
        return {"boxes": boxes, "scores": scores, "threshold": threshold}, [tf.identity(o) for o in outputs]

    return Case(build)


@pytest.mark.parametrize("operator", ["NonMaxSuppressionV3", "NonMaxSuppressionV4", "NonMaxSuppressionV5"])
@pytest.mark.parametrize("threshold", [-np.inf, 0.0, 0.5, 0.9, 2.0])
def test_suppression(operator, threshold):
    case = suppression(operator)
    assert (case.reached, operator in case.operators) == (OLDEST, False)
    for count in (0, 1, 300):
        corners = np.sort(RANDOM.random((count, 2, 2), np.float32), axis=1).reshape(count, 4)
        scores = np.round(RANDOM.random(count, np.float32), 2)  # some are equal, some equal the threshold
        case.check_equal(boxes=corners, scores=scores, threshold=threshold)


@pytest.mark.parametrize(
    ("operator", "padded", "sigma"), [("NonMaxSuppressionV4", True, 0.0), ("NonMaxSuppressionV5", False, 0.5)]
)
def test_suppression_that_pads_or_lowers_scores_is_unchanged(operator, padded, sigma):
    case = suppression(operator, padded=padded, sigma=sigma)
    assert operator in case.operators
    assert case.reached is not OLDEST


def test_suppression_inside_a_loop():
    """Its new constants lie in the loop's frame: a constant of the outer frame would deadlock there."""

    def build():
        boxes, scores = tf.placeholder(tf.float32, [None, None, 4]), tf.placeholder(tf.float32, [None, None])

        def one(arguments):
            kept, _, count = tf.raw_ops.NonMaxSuppressionV5(
                boxes=arguments[0],
                scores=arguments[1],
                max_output_size=5,
                iou_threshold=0.5,
                score_threshold=0.3,
                soft_nms_sigma=0.0,
                pad_to_max_output_size=False,
            )
            return tf.reduce_sum(kept) + count

        return {"boxes": boxes, "scores": scores}, [tf.map_fn(one, (boxes, scores), tf.int32)]

    tf.disable_control_flow_v2()  # as the Object Detection API does
    case = Case(build)
    assert case.reached is OLDEST
    corners = np.sort(RANDOM.random((3, 40, 2, 2), np.float32), axis=2).reshape(3, 40, 4)
    case.check_equal(boxes=corners, scores=RANDOM.random((3, 40), np.float32))


@pytest.mark.parametrize("shape", [(5,), (3, 5), (2, 3, 5), (2, 3, 4, 5), (0, 3, 5)])
def test_softmax(shape):
    def build():
        x = tf.placeholder(tf.float32, None)
        return {"x": x}, [tf.raw_ops.Softmax(logits=x)]

    case = Case(build)
    assert case.reached is OLDEST
    case.check_equal(x=normal(*shape))


def test_softmax_of_two_known_dimensions_is_unchanged():
    def build():
        x = tf.placeholder(tf.float32, [None, 4])
        product = tf.nn.bias_add(tf.matmul(x, normal(4, 3)), normal(3))
        return {"x": x}, [tf.raw_ops.Softmax(logits=product), tf.raw_ops.Softmax(logits=tf.reshape(product, [-1, 3]))]

    case = Case(build)
    assert len(case.after.node) == len(case.before.node)
    case.check_equal(x=normal(2, 4))


def test_addition():
    def build():
        x = tf.placeholder(tf.float32, [None])
        return {"x": x}, [tf.raw_ops.AddV2(x=x, y=np.float32(1))]

    case = Case(build)
    assert case.operators == {"Placeholder", "Const", "Add"}
    case.check_equal(x=normal(3))


def test_only_attributes_with_default_values_are_removed():
    def build():
        x = tf.placeholder(tf.float32, [None, 5])
        return {"x": x}, [tf.raw_ops.GatherV2(params=x, indices=[0], axis=0, batch_dims=d) for d in (0, -0)]

    case = Case(build)
    assert case.reached is OLDEST
    assert not [node for node in case.after.node if "batch_dims" in node.attr]

    def other():
        x = tf.placeholder(tf.float32, [2, 5])
        return {"x": x}, [tf.raw_ops.GatherV2(params=x, indices=[[0], [1]], axis=1, batch_dims=1)]

    assert obstacle(Case(other).after, OLDEST).what == "has no attribute batch_dims of GatherV2"


def test_every_node_follows_its_inputs():
    graph = Case(lambda: ({"x": (x := tf.placeholder(tf.float32))}, [tf.exp(x) + 1.0])).after
    backwards = copy.deepcopy(graph)
    del backwards.node[:]
    backwards.node.extend(reversed(graph.node))
    assert restate(backwards, OLDEST)
    seen: set[str] = set()
    for node in backwards.node:
        assert {name.removeprefix("^").partition(":")[0] for name in node.input} <= seen
        seen.add(node.name)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda graph: graph.node.add(name="new", op="OfTomorrow"), "has no op OfTomorrow"),
        (lambda graph: graph.node[0].attr["later"].CopyFrom(tf.AttrValue(b=True)), "has no attribute later of"),
        (lambda graph: graph.node[0].attr.pop("dtype"), "requires the attribute dtype of Placeholder"),
        (
            lambda graph: setattr(graph.versions, "min_consumer", 999),
            "reads graphs of version 26, but this one needs version 999",
        ),
        (
            lambda graph: graph.node.add(name="n", op="Add").attr["T"].CopyFrom(tf.AttrValue(type=22)),
            "does not support",
        ),
    ],
    ids=["operator", "attribute", "missing attribute", "version", "type"],
)
def test_an_obstacle_for_a_release_is_named(change, what):
    graph = Case(lambda: ({"x": (x := tf.placeholder(tf.float32))}, [tf.exp(x)])).before
    change(graph)
    assert obstacle(graph, OLDEST).what.startswith(what)


def test_the_stage_says_which_release_reads_what_it_publishes(world):
    world = world.asking_for(formats=("SavedModel",))
    graph = export_stage(world.stage, world.store).graph
    assert graph.readable_by == "1.7"
    model = saved_model_pb2.SavedModel.FromString(world.store.read(graph.saved_model.key, max_bytes=10**8))
    assert obstacle(model.meta_graphs[0].graph_def, OLDEST) is None


@pytest.mark.parametrize("input_type", ["encoded_image_string_tensor", "tf_example"])
def test_an_input_that_decodes_files_is_for_the_exports_own_release_and_refused_for_an_older(world, input_type):
    asking = world.asking_for(input_type)
    assert export_stage(asking.stage, asking.store).graph.readable_by == "2.21"
    asking = world.asking_for(input_type, readable_by="1.15")
    with pytest.raises(StageError) as caught:
        export_stage(asking.stage, asking.store)
    assert caught.value.reason is Reason.GRAPH_INCOMPATIBLE
    assert "TensorFlow 1.15 cannot read this graph, TensorFlow 2.21 can: TensorFlow 1.15 has no op" in (
        caught.value.message
    )
    assert "(node " in caught.value.message


def test_a_rewritten_graph_with_other_answers_is_not_published(world, monkeypatch):
    monkeypatch.setattr("inference_image_export.stage.same_answers", lambda *_: False)
    graph = export_stage(world.stage, world.store).graph
    assert graph.readable_by == "2.21"
    published = inputs.StoredFile(key=graph.key, sha256=graph.sha256, size=graph.size)
    definition = tf.GraphDef.FromString(world.store.read(published.key, max_bytes=10**8))
    assert "FusedBatchNormV3" in {node.op for node in definition.node}
