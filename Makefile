# One command each. `make demo` and `make test` set up all they need.
.PHONY: demo test page soak lint types format setup bench

demo:
	@scripts/setup run
	@.venv/bin/python scripts/demo

setup:
	@scripts/setup dev

# Half of the time tests wait, so three run on two cores. Where one fails beside others it is run
# once more alone: it fails if it still does; if not, the first run names a race that wants mending.
PYTEST = .venv/bin/python -m pytest --timeout 300
test: setup
	@scripts/setup-tests
	@$(MAKE) --no-print-directory lint types page
	@$(PYTEST) -n 3 --dist loadfile || $(PYTEST) --last-failed --last-failed-no-failures none

# The page: format, types as the API has them, unit tests.
page: setup
	@.venv/bin/python scripts/make-api-types
	@.venv/bin/python web/build.py npm test

# Kill a server under load a hundred times on each database: some minutes.
soak: setup
	@scripts/setup-tests
	@TASKYARD_KILLS=100 .venv/bin/python -m pytest --log-cli-level INFO tests/server/faults/test_killed.py
	@TASKYARD_SOAK_TASKS=10000 .venv/bin/python -m pytest tests/e2e/test_soak.py

lint: setup
	@.venv/bin/ruff check src tests benchmarks scripts web hatch_build.py
	@.venv/bin/ruff format --check src tests benchmarks web hatch_build.py

types: setup
	@.venv/bin/mypy

format: setup
	@.venv/bin/ruff check --fix src tests benchmarks web hatch_build.py
	@.venv/bin/ruff format src tests benchmarks web hatch_build.py
	@.venv/bin/python web/build.py npm run format

bench: setup
	@scripts/setup-bench
	@.venv/bin/python -m benchmarks
