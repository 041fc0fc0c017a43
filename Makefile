# `make` lists the targets. Each makes the environment that it needs; all that they write is in this directory.

PYTHON ?= python3
TEST_FLAGS ?= -n 4 --cov
FAST_FLAGS ?= -n 2
# What kedro-mlflow and old versions of others warn of is not ours to mend.
LOWEST_FLAGS ?= -n 4 -W default
LOWEST_TESTS ?= tests/scenarios
# A core that meets each interface of Kedro and MLflow once: a cell takes about a minute on a quiet machine.
MATRIX_FLAGS ?= -n 2 -W default -q
MATRIX_TESTS ?= $(addprefix tests/scenarios/test_, like_mlflow.py by_hand.py serving.py \
	$(addprefix kedro_run.py::test_, a_training_run_leaves_one_ready_model_in_its_mlflow_run \
	kedro_environments_globals_and_runtime_parameters_reach_the_configuration))
MATRIX_PYTHONS ?= 3.10 3.12 3.13 3.14
# Some cells alone, by name, as in: make test-matrix MATRIX_CELLS="kedro-1.3 mlflow-3.6"
MATRIX_CELLS ?=
# What MLflow's older versions use, SQLAlchemy 2.1 and Starlette 1.0 have removed; OpenTelemetry has changed it.
OLD_MLFLOW := 'opentelemetry-sdk<1.35' 'sqlalchemy<2.1' 'starlette<1'
# What Spark, Dask and MLflow warn of one another is not ours to mend.
LIBRARIES_FLAGS ?= -n 0 -W default -m libraries --durations=0 --durations-min=1
ENGINES_FLAGS ?= -n 0 -W default -m engines --durations=0 --durations-min=1
BACKENDS_FLAGS ?= -n 0 -W default -m backends --durations=0 --durations-min=1
BESIDE_FLAGS ?= -n 4 -W default
BESIDE_TESTS ?= tests/scenarios/beside_kedro_mlflow tests/config/test_reading.py
# Add --update-page to write the table into the page for users.
FAULTS_FLAGS ?= -n 2 -m faults

VENV := .venv
VENV_LOWEST := .venv-lowest
VENV_BESIDE := .venv-beside
VENV_BACKENDS := .venv-backends
VENV_AIRFLOW := .venv-airflow
VENV_ENGINES := .venv-engines
VENV_LIBRARIES := .venv-libraries
VENV_PEER := .venv-bench-kedro-mlflow
SOURCES := src tests demo benchmarks matrix screenshots docs/hooks
AXE := .cache/npm/node_modules/axe-core/axe.min.js
UV := $(VENV)/bin/uv pip install --quiet --editable .

# Nothing is written to the user's caches or sent to anybody, and no setting of the user's MLflow or Python leaks in.
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_CACHE_DIR := 1
export UV_CACHE_DIR := $(CURDIR)/.cache/uv
export UV_PYTHON_DOWNLOADS := never
export UV_SYSTEM_CERTS := 1
# As pip does it: the tests start hundreds of processes, and where Python must write no bytecode each would compile MLflow.
export UV_COMPILE_BYTECODE := 1
# pip asks for the version of Rust, and rustup answers by writing its settings.
export RUSTUP_HOME := $(CURDIR)/.cache/rustup
export MPLCONFIGDIR := $(CURDIR)/.cache/matplotlib
export KEDRO_DISABLE_TELEMETRY := 1
export MLFLOW_DISABLE_TELEMETRY := true
unexport KEDRO_ENV MLFLOW_EXPERIMENT_ID MLFLOW_EXPERIMENT_NAME MLFLOW_REGISTRY_URI MLFLOW_RUN_ID MLFLOW_TRACKING_URI
unexport PYTHONHOME PYTHONPATH
ifeq ($(strip $(HOME)),)
export HOME := $(CURDIR)/.cache/home
endif

# Gives a recipe's line an empty directory for its temporary files, and takes it away afterwards.
WITH_TMPDIR = TMPDIR=$$(mktemp -d) && export TMPDIR && trap 'rm -rf "$$TMPDIR"' EXIT HUP INT TERM

.PHONY: help demo demo-elsewhere transcripts docs test test-fast test-lowest test-beside backends engines libraries faults lint bench bench-command bench-quick screenshots card-check chromium clean
.DELETE_ON_ERROR:

help: ## List the targets.
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# OmegaConf 2.4 deprecates what Kedro calls at each start; nobody who runs the demo can do anything about it.
demo: $(VENV)/.installed ## Train the demo's model, then score five penguins with it from elsewhere.
	@$(WITH_TMPDIR) && cd demo && \
	PYTHONWARNINGS="ignore:register_new_resolver() is deprecated" "$(CURDIR)/$(VENV)/bin/kedro" run
	@$(WITH_TMPDIR) && cd "$$TMPDIR" && \
	"$(CURDIR)/$(VENV)/bin/python" -I "$(CURDIR)/demo/score.py" \
		"sqlite:///$(CURDIR)/demo/mlflow.db" models:/penguin_species@champion

transcripts: $(VENV)/.installed ## Write into docs/transcripts.md what the terminal shows of the demo.
	@$(WITH_TMPDIR) && $(VENV)/bin/python -m benchmarks.transcripts

demo-elsewhere: demo ## Score them in an environment made of the model's own requirements, and compare.
	@$(WITH_TMPDIR) && cd "$$TMPDIR" && \
	set -- "$(CURDIR)/demo/score.py" "sqlite:///$(CURDIR)/demo/mlflow.db" models:/penguin_species@champion && \
	"$(CURDIR)/$(VENV)/bin/python" -I "$$@" > here && \
	MLFLOW_TRACKING_URI="$$2" "$(CURDIR)/$(VENV)/bin/python" -Ic 'import sys; from mlflow.pyfunc import get_model_dependencies; \
		print(open(get_model_dependencies(sys.argv[1])).read())' "$$3" > requirements.txt && \
	"$(CURDIR)/$(VENV)/bin/uv" venv --quiet --python "$(CURDIR)/$(VENV)/bin/python" elsewhere && \
	"$(CURDIR)/$(VENV)/bin/uv" pip install --quiet --python elsewhere/bin/python --requirement requirements.txt && \
	elsewhere/bin/python -I "$$@" > there && \
	diff here there && echo "An environment of $$(grep -c . requirements.txt) requirements gives the same answers."

test: lint ## Check the code, then run all tests and measure their coverage.
	@$(WITH_TMPDIR) && $(VENV)/bin/pytest $(TEST_FLAGS)

test-fast: $(VENV)/.installed ## Run the tests that need neither a whole project nor other processes, in a minute.
	@$(WITH_TMPDIR) && $(VENV)/bin/pytest $(FAST_FLAGS) -m "not backends and not faults and not engines and not libraries and not promotions and not release and not scenario and not process"

test-lowest: $(VENV_LOWEST)/.installed ## Run the scenario tests on the lowest versions of what we depend on.
	@$(WITH_TMPDIR) && $(VENV_LOWEST)/bin/pytest $(LOWEST_FLAGS) $(LOWEST_TESTS)

.PHONY: test-matrix
test-matrix: $(VENV)/.installed ## Run a core of the scenarios with each version of Python, Kedro and MLflow, and write docs/versions.md.
	@for version in $(MATRIX_PYTHONS); do $(VENV)/bin/mypy --python-version $$version src || exit 1; done
	@$(WITH_TMPDIR) && $(VENV)/bin/python -m matrix --tests "$(MATRIX_TESTS)" --flags="$(MATRIX_FLAGS)" \
		--pythons "$(MATRIX_PYTHONS)" --constraints "$(OLD_MLFLOW)" --only "$(MATRIX_CELLS)"

# A test that finds no kedro-mlflow is skipped, and here that is a failure.
test-beside: $(VENV_BESIDE)/.installed ## Run the tests that need kedro-mlflow, installed beside this package.
	@$(WITH_TMPDIR) && $(VENV_BESIDE)/bin/pytest $(BESIDE_FLAGS) --junitxml="$$TMPDIR/report.xml" $(BESIDE_TESTS) && \
	if grep -q "<skipped" "$$TMPDIR/report.xml"; then echo "Tests that need kedro-mlflow were skipped." >&2; exit 1; fi

# A test that finds no engine is skipped, and here that is a failure.
engines: $(VENV_ENGINES)/.installed ## Run models in Spark (which needs Java 17 or 21), in Dask and in a server of four workers.
	@$(WITH_TMPDIR) && $(VENV_ENGINES)/bin/pytest $(ENGINES_FLAGS) --junitxml="$$TMPDIR/report.xml" tests/engines && \
	if grep -q "<skipped" "$$TMPDIR/report.xml"; then echo "Tests that need an engine were skipped." >&2; exit 1; fi

# What cannot be started is skipped, and here that is a failure.
backends: $(VENV_BACKENDS)/.installed $(VENV_AIRFLOW)/.installed postgresql ## Train against PostgreSQL with S3, in Dagster and in Airflow.
	@$(WITH_TMPDIR) && $(VENV_BACKENDS)/bin/pytest $(BACKENDS_FLAGS) --junitxml="$$TMPDIR/report.xml" tests/backends && \
	if grep -q "<skipped" "$$TMPDIR/report.xml"; then echo "Tests that need a backend were skipped." >&2; exit 1; fi

.PHONY: postgresql
postgresql:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { \
		if [ "$$(id -u)" != 0 ]; then set -- sudo; fi; \
		"$$@" apt-get update --quiet=2 && "$$@" apt-get install --quiet=2 --yes --no-install-recommends postgresql; }

libraries: $(VENV_LIBRARIES)/.installed ## Have models of several libraries answer where their requirements alone are installed.
	@$(WITH_TMPDIR) && $(VENV_LIBRARIES)/bin/pytest $(LIBRARIES_FLAGS) tests/libraries

faults: $(VENV)/.installed ## Kill servers and runs at every stage, and print what becomes of each.
	@$(WITH_TMPDIR) && $(VENV)/bin/pytest $(FAULTS_FLAGS) tests/faults

# Add --update-transcript to write the steps into the page for users.
STARTER_FLAGS ?= -n 0 -m release -s

.PHONY: starter schema
starter: $(VENV)/.installed ## Install the built wheel afresh, and go from `kedro new` and `kedro autolog init` to answers over HTTP.
	@$(WITH_TMPDIR) && $(VENV)/bin/pytest $(STARTER_FLAGS) tests/release

schema: $(VENV)/.installed ## Write the JSON Schema of mlflow.yml beside the example, and the comments of the example.
	@$(VENV)/bin/python -m kedro_autolog_pipeline schema conf_example/mlflow.schema.json
	@$(VENV)/bin/python -m docs.hooks.example

# A missing page, a dead link or a warning is an error. The site is in .cache/site, and needs no network.
docs: $(VENV)/.installed ## Build the documentation site into .cache/site.
	@$(WITH_TMPDIR) && NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --quiet --strict && \
	echo "The site is in .cache/site; open .cache/site/index.html."

.PHONY: promotions
promotions: $(VENV)/.installed ## Promote through a server, and have two trainings at once compete 20 times.
	@$(WITH_TMPDIR) && $(VENV)/bin/pytest -n 2 -m promotions tests/scenarios/test_promote.py

lint: $(VENV)/.installed ## Check style, types, imports, docstrings, prose, the lowest Python and the workflows.
	@$(VENV)/bin/ruff check --quiet $(SOURCES)
	@$(VENV)/bin/ruff format --quiet --check $(SOURCES)
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports --no-logo
	@$(VENV)/bin/interrogate $(SOURCES)
	@$(VENV)/bin/python docs/hooks/prose.py
	@$(VENV)/bin/vermin --quiet --no-tips --violations --target=3.10- src
	@$(VENV)/bin/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml

bench: $(VENV)/.installed $(VENV_PEER)/.installed ## Measure what docs/benchmarks.md reports, and write it there.
	@$(WITH_TMPDIR) && $(VENV)/bin/python -m benchmarks

bench-command: $(VENV)/.installed $(VENV_PEER)/.installed ## Measure the whole of `kedro run` alone, and draw its chart.
	@$(WITH_TMPDIR) && $(VENV)/bin/python -m benchmarks --section command

bench-quick: $(VENV)/.installed $(VENV_PEER)/.installed ## Measure the same, less exactly, and only print it.
	@$(WITH_TMPDIR) && $(VENV)/bin/python -m benchmarks --quick

screenshots: $(VENV)/.screenshots $(AXE) chromium ## Take pictures of the demo in MLflow's UI, and check the model card.
	@$(WITH_TMPDIR) && $(VENV)/bin/python -m screenshots --axe $(AXE) --to .cache/screenshots

card-check: $(VENV)/.screenshots $(AXE) chromium ## Check the model card in a browser: errors, requests, width, accessibility, cost.
	@$(WITH_TMPDIR) && $(VENV)/bin/python -m screenshots --axe $(AXE)

chromium:
	@command -v chromium >/dev/null || { \
		if [ "$$(id -u)" != 0 ]; then set -- sudo; fi; \
		"$$@" apt-get update --quiet=2 && "$$@" apt-get install --quiet=2 --yes chromium; }

clean: ## Remove all that the other targets have made.
	rm -rf $(VENV) .venv-matrix $(VENV_LOWEST) $(VENV_BESIDE) $(VENV_BACKENDS) $(VENV_AIRFLOW) $(VENV_ENGINES) $(VENV_LIBRARIES) $(VENV_PEER) .cache .coverage* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache dist
	rm -rf demo/.autolog_pipeline demo/data/0[2-9]_* demo/mlflow.db demo/mlartifacts
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/uv:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 10) or sys.exit("Cannot use " + sys.executable + \
		": Python 3.10 or newer is needed. Name one, as in: make PYTHON=python3.12")'
	@$(PYTHON) -m venv --clear $(VENV)
	@$(VENV)/bin/python -m pip install --quiet uv

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/uv
	@echo "Installing into $(VENV); the first time takes a minute or two."
	@$(UV) --python $(VENV)/bin/python --group dev
	@touch $@

# MLflow's older versions do not work with what OpenTelemetry, SQLAlchemy 2.1 and Starlette 1.0 have changed. A package
# that has no wheel for this Python is not built from source: its next version is the lowest that can be installed here.
$(VENV)/.screenshots: $(VENV)/.installed
	@$(UV) --python $(VENV)/bin/python --group screenshots
	@touch $@

$(AXE): Makefile
	@mkdir -p .cache/npm
	@npm install --silent --no-save --ignore-scripts --cache .cache/npm/cache --prefix .cache/npm axe-core@4.14.1
	@touch $@

# MLflow's older versions use what SQLAlchemy 2.1 and Starlette 1.0 removed. A package that has no wheel for this Python
# is not built from source: its next version is the lowest that can be installed here.
$(VENV_LOWEST)/.installed: pyproject.toml | $(VENV)/bin/uv
	@echo "Installing into $(VENV_LOWEST); the first time takes a minute or two."
	@$(VENV)/bin/uv venv --quiet --clear --python $(VENV)/bin/python $(VENV_LOWEST)
	@printf "%s\n" $(OLD_MLFLOW) > $(VENV_LOWEST)/constraints.txt
	@$(UV) --python $(VENV_LOWEST)/bin/python --group test --resolution lowest-direct \
		--only-binary :all: --constraints $(VENV_LOWEST)/constraints.txt
	@touch $@

$(VENV_BESIDE)/.installed: pyproject.toml Makefile | $(VENV)/bin/uv
	@echo "Installing into $(VENV_BESIDE); the first time takes a minute or two."
	@$(VENV)/bin/uv venv --quiet --clear --python $(VENV)/bin/python $(VENV_BESIDE)
	@$(UV) --python $(VENV_BESIDE)/bin/python --group test "kedro-mlflow>=2.0.3"
	@touch $@

$(VENV_ENGINES)/.installed: pyproject.toml Makefile | $(VENV)/bin/uv
	@echo "Installing into $(VENV_ENGINES); the first time takes some minutes."
	@$(VENV)/bin/uv venv --quiet --clear --python $(VENV)/bin/python $(VENV_ENGINES)
	@$(UV) --python $(VENV_ENGINES)/bin/python --group test "pyspark>=4.0,<5" "dask[dataframe]" distributed
	@touch $@

$(VENV_BACKENDS)/.installed: pyproject.toml Makefile | $(VENV)/bin/uv
	@echo "Installing into $(VENV_BACKENDS); the first time takes a minute or two."
	@$(VENV)/bin/uv venv --quiet --clear --python $(VENV)/bin/python $(VENV_BACKENDS)
	@$(UV) --python $(VENV_BACKENDS)/bin/python --group test psycopg2-binary kedro-dagster
	@touch $@

# Airflow pins what we need in other versions; its tasks call the commands of the environment above.
$(VENV_AIRFLOW)/.installed: Makefile | $(VENV)/bin/uv
	@echo "Installing into $(VENV_AIRFLOW); the first time takes a minute or two."
	@$(VENV)/bin/uv venv --quiet --clear --python $(VENV)/bin/python $(VENV_AIRFLOW)
	@$(VENV)/bin/uv pip install --quiet --python $(VENV_AIRFLOW)/bin/python "apache-airflow>=3,<4"
	@touch $@

$(VENV_LIBRARIES)/.installed: pyproject.toml Makefile | $(VENV)/bin/uv
	@echo "Installing into $(VENV_LIBRARIES); the first time takes some minutes."
	@$(VENV)/bin/uv venv --quiet --clear --python $(VENV)/bin/python $(VENV_LIBRARIES)
	@$(UV) --python $(VENV_LIBRARIES)/bin/python --group test uv \
		xgboost lightgbm statsmodels scikit-learn onnx onnxruntime skl2onnx
	@touch $@

# kedro-mlflow's model needs kedro-datasets, and does not require it.
$(VENV_PEER)/.installed: Makefile | $(VENV)/bin/uv
	@echo "Installing into $(VENV_PEER); the first time takes a minute or two."
	@$(VENV)/bin/uv venv --quiet --clear --python $(VENV)/bin/python $(VENV_PEER)
	@$(VENV)/bin/uv pip install --quiet --python $(VENV_PEER)/bin/python \
		"kedro-mlflow>=2.0.3" kedro kedro-datasets mlflow scikit-learn
	@touch $@
