"""A graph is a program: what may run, what is refused before it runs, and the names of the refusals."""

import re
from pathlib import Path

import pytest
from tensorflow.compat import v1 as tf
from tensorflow.python.framework import op_def_registry

from inference_image_contract import inputs
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from inference_image_export import canonical, program
from inference_image_export.program import rules
from inference_image_export.program.ops import allowed
from inference_image_export.verify import verify
from tests.support.exporting import answer_stage, export_stage
from tests.tf.test_export_forms import small_graph


def with_attack(folder: Path, attack) -> Path:
    """A detector's graph, whose number of detections also needs what `attack` makes: a tensor of any type."""
    path = small_graph(folder / "graph.pb")
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(canonical.read_graph(path), name="")
        harm = tf.identity(attack(), name="harm")
        with tf.control_dependencies([harm]):
            tf.identity(graph.get_tensor_by_name("num_detections:0"), name="more_detections")
    definition = graph.as_graph_def()
    for node in definition.node:
        node.name = {"num_detections": "fewer", "more_detections": "num_detections"}.get(node.name, node.name)
        node.input[:] = [re.sub(r"^(\^?)num_detections(:0)?$", r"\1fewer\2", name) for name in node.input]
    canonical.write(definition, path)
    return path


def environment_as_a_dataset():
    lines = tf.raw_ops.TextLineDataset(filenames=["/proc/self/environ"], compression_type="", buffer_size=0)
    return tf.raw_ops.DatasetToSingleElement(dataset=lines, output_types=[tf.string], output_shapes=[[]])[0]


def printed():
    with tf.control_dependencies([tf.raw_ops.PrintV2(input="the-private-key")]):
        return tf.constant(1)


def written():
    with tf.control_dependencies([tf.io.write_file("/tmp/written-by-a-graph", "x")]):
        return tf.constant(1)


def encoded():
    return tf.io.encode_proto(
        sizes=tf.ones([1, 1], tf.int32),
        values=[tf.zeros([1, 1], tf.int32)],
        field_names=["value"],
        message_type="google.protobuf.Int32Value",
        descriptor_source="/proc/self/environ",
    )


ATTACKS = {
    "TextLineDataset": environment_as_a_dataset,
    "PrintV2": printed,
    "Print": lambda: tf.Print(tf.constant(1), ["the-private-key"]),
    "ReadFile": lambda: tf.io.read_file("/proc/self/environ"),
    "WriteFile": written,
    "MatchingFiles": lambda: tf.io.matching_files("/proc/*/environ"),
    "PyFunc": lambda: tf.py_func(lambda: 1, [], tf.int64),
    "EncodeProto": encoded,
    "DebugIdentity": lambda: tf.raw_ops.DebugIdentity(input=tf.constant(1), debug_urls=["file:///tmp/debug"]),
    "RestoreV2": lambda: tf.raw_ops.RestoreV2(
        prefix="/tmp/x", tensor_names=["a"], shape_and_slices=[""], dtypes=[tf.float32]
    )[0],
}


def refusal(call, *arguments) -> str:
    with pytest.raises(StageError) as caught:
        call(*arguments)
    assert caught.value.reason is Reason.GRAPH_UNSAFE
    return caught.value.message


@pytest.mark.parametrize("op", ATTACKS)
def test_an_op_that_does_more_than_compute_is_refused_by_name_and_not_run(tmp_path, op):
    message = refusal(verify, with_attack(tmp_path, ATTACKS[op]), "image_tensor", 3)
    assert f"the op {op} (node " in message
    assert "private" not in message
    assert not Path("/tmp/written-by-a-graph").exists()


def bare(*nodes: tuple[str, str]) -> tf.GraphDef:
    """A graph of nodes (name, op)."""
    graph = tf.GraphDef()
    for name, op in nodes:
        graph.node.add(name=name, op=op)
    return graph


def function(graph: tf.GraphDef, name: str, *nodes: tuple[str, str]):
    """Adds a function of nodes (name, op) to the graph's library."""
    made = graph.library.function.add()
    made.signature.name = name
    for inner, op in nodes:
        made.node_def.add(name=inner, op=op)
    return made


def test_an_op_of_a_library_is_refused():
    assert "the op MyOwnOp (node mine)" in refusal(program.check, bare(("mine", "MyOwnOp")))


def test_a_function_of_the_graph_is_checked_called_or_not():
    graph = bare(("call", "reader"))
    function(graph, "reader", ("file", "ReadFile"))
    assert "the op ReadFile (node file of function reader)" in refusal(program.check, graph)
    del graph.node[:]
    assert "the op ReadFile (node file of function reader)" in refusal(program.check, graph)


def test_the_branches_of_control_flow_are_checked(tmp_path):
    with tf.Graph().as_default() as graph:
        tf.enable_control_flow_v2()
        try:
            tf.cond(tf.placeholder(tf.bool), lambda: tf.io.read_file("/etc/hostname"), lambda: tf.constant("x"))
        finally:
            tf.disable_control_flow_v2()
    definition = graph.as_graph_def()
    assert definition.library.function
    del definition.node[:]
    assert "ReadFile" in refusal(program.check, definition)


def test_an_attribute_may_name_functions_of_the_graph_alone():
    graph = bare(("call", "Identity"))
    function(graph, "mine", ("inner", "Identity"))
    graph.node[0].attr["_f"].func.name = "mine"
    program.check(graph)
    graph.node[0].attr["_f"].func.attr["g"].list.func.add().name = "ReadFile"
    assert "calls ReadFile (Identity, node call)" in refusal(program.check, graph)


def test_attributes_and_gradients_of_functions_may_name_functions_of_the_graph_alone():
    graph = bare()
    function(graph, "mine").attr["_f"].func.name = "ReadFile"
    assert "calls ReadFile (function mine)" in refusal(program.check, graph)
    graph = bare()
    graph.library.gradient.add(function_name="mine", gradient_func="ReadFile")
    assert "calls ReadFile" in refusal(program.check, graph)


def test_a_constant_of_a_resource_or_a_variant_is_refused():
    graph = bare(("constant", "Const"))
    graph.node[0].attr["value"].tensor.dtype = tf.variant.as_datatype_enum
    assert "Const (node constant)" in refusal(program.check, graph)


def test_names_in_the_message_are_cut_and_cleaned():
    message = refusal(program.check, bare(("a\nb\x1b[31m" + "x" * 500, "Read File <b>")))
    assert "Read?File??b>" in message.replace("<", "?")
    assert "a?b??31m" in message
    assert len(message) < 400


def test_the_number_of_nodes_is_limited(monkeypatch):
    monkeypatch.setattr(rules, "MAX_NODES", 3)
    program.check(bare(*((str(n), "Identity") for n in range(3))))
    assert "more than 3 nodes" in refusal(program.check, bare(*((str(n), "Identity") for n in range(4))))
    graph = bare(("a", "Identity"))
    function(graph, "f", ("b", "Identity"), ("c", "Identity"))
    assert "more than 3 nodes" in refusal(program.check, graph)


def chain(length: int, *, width: int = 1) -> tf.GraphDef:
    """Functions that each call the next `width` times; the graph calls the first."""
    graph = bare(("call", "f0"))
    for n in range(length):
        inner = f"f{n + 1}" if n + 1 < length else "Identity"
        function(graph, f"f{n}", *((f"n{m}", inner) for m in range(width)))
    return graph


def test_the_nesting_of_functions_is_limited():
    program.check(chain(program.MAX_DEPTH))
    assert "nested more than 16 deep" in refusal(program.check, chain(program.MAX_DEPTH + 1))
    uncalled = chain(program.MAX_DEPTH + 2)
    del uncalled.node[:]
    assert "nested more than 16 deep" in refusal(program.check, uncalled)


def test_nested_calls_multiply_the_nodes():
    assert "With every call of its functions" in refusal(program.check, chain(16, width=10))


def test_functions_that_call_each_other_in_a_circle_are_refused():
    graph = bare()
    function(graph, "f", ("call", "g"))
    function(graph, "g", ("call", "f"))
    assert "in a circle" in refusal(program.check, graph)


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    path = tmp_path / "graph.pb"
    with path.open("wb") as file:
        file.truncate(program.MAX_BYTES + 1)
    assert f"more than {program.MAX_BYTES}" in refusal(canonical.read_graph, path)


def test_an_imported_graph_is_refused_and_nothing_is_published(world, tmp_path):
    data = with_attack(tmp_path, environment_as_a_dataset).read_bytes()
    world = world.of_graph(data)
    refusal(export_stage, world.stage, world.store)
    assert world.published == []


def test_a_graph_that_was_put_in_place_of_a_result_is_not_run_for_comparison(world, tmp_path):
    data = with_attack(tmp_path, environment_as_a_dataset).read_bytes()
    info = world.store.write(data, "uai/object-export-output/graph.pb")
    stored = inputs.StoredFile(key=info.key, size=info.size, sha256=info.sha256)
    stage = inputs.AnswerInput(
        ufile=world.stage.ufile, input_lock=world.stage.input_lock, input_type="image_tensor", graph=stored
    )
    refusal(answer_stage, stage, world.store, tmp_path / "answer")


def test_the_text_of_a_failing_graph_stays_in_the_log(tmp_path, capfd):
    def failing():
        with tf.control_dependencies([tf.Assert(tf.equal(tf.shape(tf.ones([2]))[0], 3), ["the-private-key"])]):
            return tf.constant(1)

    with pytest.raises(StageError) as caught:
        verify(with_attack(tmp_path, failing), "image_tensor", 3)
    assert "InvalidArgumentError in Assert, node Assert/Assert" in caught.value.message
    assert "the-private-key" not in caught.value.message
    assert "the-private-key" in capfd.readouterr().err


def test_the_allowed_ops_are_ops_of_tensorflow_without_a_lasting_state():
    definitions = {name: op_def_registry.get(name) for name in allowed()}
    assert [name for name, definition in definitions.items() if definition is None] == []
    stateful = {name for name, definition in definitions.items() if definition.is_stateful}
    assert {name for name in stateful if not name.startswith("TensorArray")} == {"Assert"}  # they end with the run


@pytest.mark.parametrize(
    "word",
    ["File", "Dataset", "Iterator", "Print", "Debug", "PyFunc", "Proto", "Save", "Restore", "Summary", "Queue", "Table",
     "Reader", "Variable", "Rpc", "Send", "Recv", "Log", "Custom", "Library", "Sql", "Resource", "Function", "Call"],
)  # fmt: skip
def test_no_allowed_op_belongs_to_a_forbidden_kind(word):
    harmless = {"Log", "Log1p", "LogicalAnd", "LogicalNot", "LogicalOr", "LogSoftmax"}
    assert [name for name in allowed() if word in name and name not in harmless] == []
