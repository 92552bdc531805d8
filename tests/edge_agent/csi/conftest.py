"""The C kernel is optional: what it does, numpy does as well."""

import pytest

from edge_agent.csi import kernel


@pytest.fixture(scope="module", params=["kernel", "numpy"])
def either_way(request):
    """Run the tests of a module with the C kernel, then without."""
    if request.param == "kernel" and not kernel.AVAILABLE:
        pytest.skip("the C kernel was not built: no compiler at installation")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel, "AVAILABLE", request.param == "kernel")
        patch.setattr(kernel, "_WORTH_IT", 1)  # a test has few packets
        yield request.param
