from edge_agent.learning.layer import Array

def backward(
    target: str,
    x: Array,
    weight: Array,
    y: Array,
    of_values: Array,
    level: Array,
    slope: Array,
    of_x: Array | None,
    of_weight: Array,
    of_bias: Array,
    halve: bool,
) -> None: ...
def forward(
    target: str,
    x: Array,
    weight: Array,
    bias: Array,
    y: Array,
    values: Array,
    mean: Array,
    variance: Array,
    halve: bool,
) -> None: ...
def pack(target: str, weight: Array, packed: Array) -> None: ...
def predict(
    target: str,
    x: Array,
    packed: Array,
    bias: Array,
    gain: Array,
    offset: Array,
    values: Array,
    halve: bool,
) -> None: ...
def targets() -> list[str]: ...
