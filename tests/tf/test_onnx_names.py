"""One ONNX model has one form, however tf2onnx ordered and named its parts; and it answers the same."""

import itertools
from dataclasses import dataclass

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from inference_image_export import onnx_names

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
PICTURES = np.arange(12, dtype=np.float32).reshape(3, 4)


@dataclass
class Variable:
    """A variable of the loop: the name of its first value, its type and the ops that make its next value."""

    first: str
    kind: int
    made: tuple[str, str]


VARIABLES = {
    "counter": Variable("zero", INT64, ("Add", "one")),
    "another_counter": Variable("zero", INT64, ("Add", "one")),
    "counter_by_two": Variable("zero", INT64, ("Add", "two")),
    "total": Variable("start", FLOAT, ("Add", "row_of_counter")),
    "product": Variable("start", FLOAT, ("Mul", "row_of_another_counter")),
}
COLLECTED = {"rows": "row_of_counter", "same_rows": "row_of_another_counter", "every_second": "row_of_wrapped"}
ROWS = ("another_counter", "counter", "wrapped")


def model(variables: tuple[str, ...], collected: tuple[str, ...], prefix: str) -> onnx.ModelProto:
    """A loop over the rows of `pictures`, with its variables and collected values in these orders."""

    def named(name: str) -> str:
        return name if name in ("pictures", "total_out", "rows_out", "every_second_out") else prefix + name

    def node(op: str, inputs: list[str], output: str, **attributes) -> onnx.NodeProto:
        return helper.make_node(op, [named(name) for name in inputs], [named(output)], **attributes)

    def value(name: str, kind: int, shape: list | None) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(named(name), kind, shape)

    def constant(name: str, kind: int, values: list) -> onnx.TensorProto:
        return helper.make_tensor(named(name), kind, [], values)

    body = [node("Mod", ["counter_by_two", "three"], "wrapped")]
    body += [node("Gather", ["pictures", name], f"row_of_{name}") for name in ROWS]
    body += [node(VARIABLES[name].made[0], [name, VARIABLES[name].made[1]], f"{name}_next") for name in variables]
    body += [node("Identity", [COLLECTED[name]], f"{name}_each") for name in collected]
    body += [node("Identity", ["going"], "going_next")]
    kinds = {name: VARIABLES[name].kind for name in variables}
    graph = helper.make_graph(
        body,
        named("body"),
        [value("at", INT64, []), value("going", BOOL, []), *(value(name, kind, None) for name, kind in kinds.items())],
        [
            value("going_next", BOOL, []),
            *(value(f"{name}_next", kind, None) for name, kind in kinds.items()),
            *(value(f"{name}_each", FLOAT, [prefix + "size"]) for name in collected),
        ],
    )
    loop = helper.make_node(
        "Loop",
        [named("three"), named("true"), *(named(VARIABLES[name].first) for name in variables)],
        [named(f"{name}_out") for name in (*variables, *collected)],
        body=graph,
    )
    outputs = [("total_out", [4]), ("rows_out", [3, 4]), ("every_second_out", [3, 4])]
    constants = [constant(name, INT64, [at]) for at, name in enumerate(("zero", "one", "two", "three"))]
    constants += [constant("true", BOOL, [True]), helper.make_tensor(named("start"), FLOAT, [4], [1.0] * 4)]
    made = [value(name, FLOAT, shape) for name, shape in outputs]
    whole = helper.make_graph([loop], named("whole"), [value("pictures", FLOAT, [3, 4])], made, constants)
    return helper.make_model(whole, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def canonical(found: onnx.ModelProto) -> bytes:
    onnx.checker.check_model(found)
    onnx_names.canonicalise(found)
    onnx.checker.check_model(found, full_check=True)
    return found.SerializeToString(deterministic=True)


def answers(found: onnx.ModelProto) -> list[np.ndarray]:
    import onnxruntime  # noqa: PLC0415 - slow to load

    session = onnxruntime.InferenceSession(found.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"pictures": PICTURES})


def test_the_order_and_the_names_of_a_loop_do_not_matter():
    expected = canonical(model(tuple(VARIABLES), tuple(COLLECTED), "a"))
    orders = [*itertools.permutations(VARIABLES)]
    for at, variables in enumerate(orders):
        collected = [*itertools.permutations(COLLECTED)][at % 6]
        assert canonical(model(variables, collected, f"b{at}")) == expected, (variables, collected)


def test_a_canonical_model_answers_like_the_original():
    found = model(tuple(reversed(VARIABLES)), tuple(reversed(COLLECTED)), "b")
    expected = answers(found)
    canonical(found)
    for one, other in zip(answers(found), expected, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(expected[2], PICTURES[[0, 2, 1]])


@pytest.mark.parametrize("changed", ["product", "total"])
def test_another_computation_gives_another_model(monkeypatch, changed):
    expected = canonical(model(tuple(VARIABLES), tuple(COLLECTED), "a"))
    monkeypatch.setitem(VARIABLES, changed, Variable("start", FLOAT, ("Sub", "row_of_counter")))
    assert canonical(model(tuple(VARIABLES), tuple(COLLECTED), "a")) != expected


def test_of_equal_counters_one_is_read():
    found = model(tuple(VARIABLES), tuple(COLLECTED), "a")
    canonical(found)
    (loop,) = found.graph.node
    body = loop.attribute[0].g
    read = {name for node in body.node for name in node.input}
    assert sum(value.name in read for value in body.input[2:]) == len(VARIABLES) - 1


def test_a_canonical_model_stays_as_it_is():
    found = model(tuple(VARIABLES), tuple(COLLECTED), "a")
    expected = canonical(found)
    assert canonical(found) == expected
