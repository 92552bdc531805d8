# Everything a person types. Each target sets up what it needs.
PYTHON ?= python3
VENV ?= .venv
export PYTHON
export METALOC_VENV = $(VENV)

.PHONY: help demo trainer test install uninstall benchmark clean

help:
	@echo "make demo       replay a simulated walk through the whole path (Ctrl-C ends it)"
	@echo "make trainer    set up training, surveys, the benchmark and export"
	@echo "make test       run the checks and tests"
	@echo "make install    put edge_agent on everybody's path, root's included"
	@echo "make uninstall  take it away again"
	@echo "make benchmark  measure against peers and limits"
	@echo "make clean      remove the virtual environment and caches"

demo: $(VENV)/.demo
	@scripts/demo $(VENV)

trainer: $(VENV)/.export
	@echo "$(VENV)/bin/trainer --help; or once: . $(VENV)/bin/activate"

test: $(VENV)/.dev
	@scripts/check

install:
	@scripts/install

uninstall:
	@scripts/uninstall

benchmark: $(VENV)/.dev
	@scripts/benchmark

$(VENV)/.%: pyproject.toml constraints.txt
	@scripts/setup $* $(VENV)

clean:
	rm -rf $(VENV) build *.egg-info edge_agent/*/*.so .mypy_cache .pytest_cache .ruff_cache .hypothesis
