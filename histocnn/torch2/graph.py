"""Makes a traced training step cheaper; what it computes stays the same.

PyTorch's own compiler does most of this on a GPU, but on a CPU its convolutional epochs
are slower than eager ones (`docs/findings.md`). The patterns are those of convolution,
bias, ReLU and max-pooling as Keras writes them; where one is absent, nothing happens.
"""

import operator
from typing import Any


def improve(step: Any) -> None:
    """Rewrite ``step``, a `torch.fx.GraphModule` that runs without autograd, in place.

    It must be of one training step: forward, backward, update.
    """
    import torch

    aten = torch.ops.aten
    graph = step.graph
    _drop(graph, aten.detach.default)
    _fold_constants(torch, step)
    for node in list(graph.nodes):
        if node.target is aten.add.Tensor:
            _bias_into_convolution(aten, graph, node)
    for node in list(graph.nodes):
        if node.target is aten.max_pool2d_with_indices.default:
            _pool_before_relu(aten, graph, node)
    for node in list(graph.nodes):
        if node.target is aten.relu.default and len(node.args[0].users) == 1:
            node.target = aten.relu_.default
    graph.eliminate_dead_code()
    graph.lint()
    step.recompile()


def _drop(graph: Any, target: Any) -> None:
    """Let users of ``target``'s result have its argument instead."""
    for node in list(graph.nodes):
        if node.target is target:
            node.replace_all_uses_with(node.args[0])
            graph.erase_node(node)


def _fold_constants(torch: Any, step: Any) -> None:
    """Compute now what depends on nothing that changes, such as 1 / batch."""
    aten = torch.ops.aten
    graph, known = step.graph, {}
    for node in list(graph.nodes):
        if node.op == "get_attr":
            known[node] = getattr(step, node.target)
            continue
        if node.target is aten.where.self and _choose(graph, node, known):
            continue
        if node.target is aten.ones_like.default:
            # Of the recorded value only shape, type and place may be used.
            like = node.meta["val"]
            value = torch.ones(like.shape, dtype=like.dtype, device=like.device)
        elif _is_constant(aten, node, known):
            args, kwargs = torch.fx.map_arg((node.args, node.kwargs), known.__getitem__)
            value = node.target(*args, **kwargs)
        else:
            continue
        name = f"_folded_{len(known)}"
        step.register_buffer(name, value)
        with graph.inserting_before(node):
            folded = graph.get_attr(name)
        folded.meta["val"] = value
        node.replace_all_uses_with(folded)
        graph.erase_node(node)
        known[folded] = value


def _is_constant(aten: Any, node: Any, known: dict[Any, Any]) -> bool:
    """Whether ``node`` computes, without writing, from ``known`` values alone."""
    writes = getattr(getattr(node.target, "_schema", None), "is_mutable", True)
    if node.op != "call_function" or writes:
        return False
    inputs = node.all_input_nodes
    if not inputs:
        return node.target is aten.scalar_tensor.default
    return all(one in known for one in inputs)


def _choose(graph: Any, where: Any, known: dict[Any, Any]) -> bool:
    """Let users of ``where`` have what a known condition takes; whether they do."""
    condition, *choices = where.args
    if condition not in known or bool(known[condition].any()) != bool(
        known[condition].all()
    ):
        return False
    taken = choices[0] if known[condition].all() else choices[1]
    if "val" not in taken.meta or taken.meta["val"].shape != where.meta["val"].shape:
        return False
    where.replace_all_uses_with(taken)
    graph.erase_node(where)
    return True


def _bias_into_convolution(aten: Any, graph: Any, add: Any) -> None:
    """convolution(x, w) + view(bias) is convolution(x, w, bias): one pass less."""
    convolution, view = add.args
    if (
        getattr(convolution, "target", None) is not aten.convolution.default
        or getattr(view, "target", None) is not aten.view.default
        or convolution.args[2] is not None
        or len(convolution.users) > 1
        or view.args[1] != [1, view.meta["val"].shape[1], 1, 1]
    ):
        return
    bias = view.args[0]
    with graph.inserting_before(add):
        whole = graph.call_function(
            aten.convolution.default,
            (*convolution.args[:2], bias, *convolution.args[3:]),
        )
    whole.meta = dict(add.meta)
    add.replace_all_uses_with(whole)
    graph.erase_node(add)
    graph.erase_node(convolution)


def _pool_before_relu(aten: Any, graph: Any, pool: Any) -> None:
    """max-pool(ReLU(x)) is ReLU(max-pool(x)), on a quarter of the values.

    So is the derivative: where the largest of a window is not above zero, both give
    nothing, and else both give all to it.
    """
    relu = pool.args[0]
    if getattr(relu, "target", None) is not aten.relu.default:
        return
    pool_backward = [
        node
        for node in relu.users
        if node.target is aten.max_pool2d_with_indices_backward.default
    ]
    relu_backward = [
        node for node in relu.users if node.target is aten.threshold_backward.default
    ]
    values = [
        node
        for node in pool.users
        if node.target is operator.getitem and node.args[1] == 0
    ]
    if (
        len(relu.users) != 3
        or [len(pool_backward), len(relu_backward), len(values)] != [1, 1, 1]
        or relu_backward[0].args[0] is not pool_backward[0]
        or relu_backward[0].args[2] != 0
        or len(pool_backward[0].users) > 1
    ):
        return
    x, pooled = relu.args[0], values[0]
    pool.replace_input_with(relu, x)
    with graph.inserting_after(pooled):
        after = graph.call_function(aten.relu.default)
    pooled.replace_all_uses_with(after)
    after.args = (pooled,)
    backward, masked = pool_backward[0], relu_backward[0]
    gradient, _, *rest = backward.args
    with graph.inserting_before(backward):
        gradient = graph.call_function(
            aten.threshold_backward.default, (gradient, after, 0)
        )
    backward.args = (gradient, x, *rest)
    masked.replace_all_uses_with(backward)
    graph.erase_node(masked)
    graph.erase_node(relu)
