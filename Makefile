# make run: the example; make test: every test that is not slow. Both make .venv first. PLUGINS= leaves plugins/* out.
TORCH ?= torch==2.13.0
PLUGINS ?= signcore-weights signcore-mediapipe signcore-rtmlib[test] signcore-spoken-to-signed signcore-elan signcore-jerk
PYTHON ?= $(firstword $(foreach p,python3 python3.11 python3.12 python3.13 python3.14,$(shell $(p) -c 'import sys; print("$(p)" if sys.version_info >= (3, 11) else "")' 2>/dev/null)))
VENV ?= .venv
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check
STAMP = $(VENV)/.installed
OUTPUT ?= out

.PHONY: run test test-slow check format docs wheel lock sanitize neon bench install clean
run: install
	$(BIN)/signcore run --generator pgmm --output $(OUTPUT) --overwrite

test: install
	$(BIN)/python -m pytest -q -m "not slow"

test-slow: install
	$(PIP) --group browser --group docs
	$(BIN)/python -m pytest -q -m slow

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	find csrc -name '*.h' -o -name '*.cpp' -o -name '*.cu' | xargs $(BIN)/clang-format --dry-run -Werror
	$(BIN)/codespell

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	find csrc -name '*.h' -o -name '*.cpp' -o -name '*.cu' | xargs $(BIN)/clang-format -i

docs: install
	$(PIP) --group docs
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going docs build/docs

# dist/: the source archive, and from it a wheel with the kernels for the torch of .venv, tagged with the glibc it needs. Where .venv
# has torch for CUDA and nvcc is there, the same sources make that wheel.
wheel: install
	$(PIP) --group release
	rm -rf dist build/wheel && mkdir -p dist build/wheel
	$(BIN)/python -c "from setuptools import build_meta; build_meta.build_sdist('dist')"
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation -w build/wheel dist/signcore-*.tar.gz
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/auditwheel repair --exclude 'libtorch*' --exclude 'libc10*' -w dist build/wheel/signcore-*.whl

# requirements/lowest.txt and newest.txt, which tests/packaging/test_locks.py builds environments from.
lock:
	$(PYTHON) requirements/lock.py "$(TORCH)"

# The NumPy door is built with the sanitizers beside a copy of the package; the property tests that need no torch run on it.
sanitize: install
	rm -rf build/sanitize && mkdir -p build/sanitize && cp -r signcore tests build/sanitize/ && rm -f build/sanitize/signcore/kernels/*.so
	$(CXX) -std=c++20 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer \
	  -ffp-contract=off -shared -fPIC -Wno-unknown-pragmas $$($(BIN)/python -m pybind11 --includes) csrc/numpy_door.cpp \
	  -o build/sanitize/signcore/kernels/_door$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_config_var("EXT_SUFFIX"))')
	cd build/sanitize && LD_PRELOAD="$$($(CXX) -print-file-name=libasan.so) $$($(CXX) -print-file-name=libubsan.so)" \
	  ASAN_OPTIONS=detect_leaks=0 PYTHONPATH=. SIGNCORE_SANITIZED=1 ../../$(BIN)/python -m pytest -q -p no:cacheprovider tests/kernels/test_numpy_door.py
	$(CXX) -O1 -g -w -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer $(CORES) -o build/cores_sanitized
	for isa in avx512 avx2 plain; do SIGNCORE_ISA=$$isa build/cores_sanitized $(CASES) || exit 1; done

# The C++ cores as a program, against their definitions: `make sanitize` runs it too, and here an emulated ARM does.
CORES = -std=c++20 -fno-math-errno -fno-trapping-math -ffp-contract=off -Wno-unknown-pragmas -pthread tests/kernels/cores.cpp
CASES ?= 100
neon:
	mkdir -p build && aarch64-linux-gnu-g++ -O2 -static $(CORES) -o build/cores_neon
	qemu-aarch64 build/cores_neon $(CASES)

bench: install
	$(BIN)/python -m pytest benchmarks --benchmark-only -q

install: $(STAMP)

$(STAMP): pyproject.toml setup.py $(wildcard csrc/* csrc/*/*) $(wildcard plugins/*/pyproject.toml) Makefile
	@test -n "$(PYTHON)" || { echo "signcore needs Python 3.11 or newer on PATH"; exit 1; }
	@command -v c++ >/dev/null || command -v g++ >/dev/null || echo "no C++ compiler found: the kernels will run on their fallbacks"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) --upgrade pip setuptools wheel
	$(PIP) "$(TORCH)" pybind11 ninja
	$(PIP) --no-build-isolation -e ".[dev]"
	@for p in $(PLUGINS); do \
	  $(PIP) --no-build-isolation -e plugins/$$p || echo "plugins/$$p cannot be installed here and is left out"; \
	done
	@touch $(STAMP)

clean:
	rm -rf $(VENV) build out *.egg-info plugins/*/*.egg-info signcore/kernels/*.so
