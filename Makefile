# `make` or `make help` lists the targets. All state is in TOUCHSTONE_HOME, by default data/.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup run reset init doctor nightly fetch sample replay dismiss retract erase message recipient backup restore rebuild rollback summary try-alerts ui docs bi model spark test test-full test-bi test-spark mutants bench lint lock clean

PYTHON ?= python3
TOUCHSTONE_HOME ?= $(CURDIR)/data
# Every target takes SAMPLE=1: the home that `make run` makes.
override TOUCHSTONE_HOME := $(TOUCHSTONE_HOME)$(if $(SAMPLE),/sample)
export TOUCHSTONE_HOME
BIN := .venv/bin
TOUCHSTONE := $(BIN)/python -m touchstone
READY := .venv/ready
BI := .venv-bi/bin
BI_READY := .venv-bi/ready
BENCH_READY := .venv-benchmarks/ready
SPARK := .venv-spark/bin
SPARK_READY := .venv-spark/ready

# Options of the sample: make sample SEED=7 DAYS=35 EVENTS=20000
SEED ?= 7
DAYS ?= 35
EVENTS ?= 20000

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | column -t -s '|'

setup: $(READY) ## create the virtual environment from the lock file

$(READY): requirements.lock Makefile
	@echo "Setting up .venv from requirements.lock"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.8
	@$(BIN)/uv pip sync --quiet --system-certs --compile-bytecode --python $(BIN)/python requirements.lock
	@# Dagster's own commands find this project too, in any folder
	@echo '$(CURDIR)/orchestration' > "$$($(BIN)/python -c 'import site; print(site.getsitepackages()[0])')/touchstone.pth"
	@touch $@

.venv-%/ready: %/requirements.lock | $(READY)
	@echo "Setting up .venv-$* from $<"
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-$*
	@$(BIN)/uv pip sync --quiet --system-certs --compile-bytecode --python .venv-$*/bin/python $<
	@touch $@

run: $(READY) ## write sample extracts into a home of their own, run a night there, print its summary (SEED, DAYS, EVENTS)
	@$(TOUCHSTONE) run --seed $(SEED) --days $(DAYS) --events $(EVENTS)

reset: $(READY) ## remove the sample's home
	@$(TOUCHSTONE) reset

init: $(READY) ## write a commented file of settings into the home
	@$(TOUCHSTONE) init

doctor: $(READY) ## look for what is wrong with the home, and say what to do
	@$(TOUCHSTONE) doctor

nightly: $(READY) ## land what is new in the inbox, build the marts, publish them
	@$(TOUCHSTONE) nightly

fetch: $(READY) ## fetch into the inbox what the setting `fetch` names, as a night does before it lands
	@$(TOUCHSTONE) fetch

sample: $(READY) ## write sample extracts into the inbox (SEED, DAYS, EVENTS)
	@$(BIN)/python -m touchstone.sample "$(TOUCHSTONE_HOME)/inbox" --seed $(SEED) --days $(DAYS) --events $(EVENTS)

replay: $(READY) ## validate quarantined records again by today's rules, then run nightly
	@$(TOUCHSTONE) replay
	@$(TOUCHSTONE) nightly

dismiss: $(READY) ## close quarantined records that nobody will correct (SOURCE, FILE, REASON, or ALL=1)
	@$(TOUCHSTONE) dismiss $(if $(SOURCE),--source '$(SOURCE)') $(if $(FILE),--file '$(FILE)') \
		$(if $(REASON),--reason '$(REASON)') $(if $(ALL),--all)

retract: $(READY) ## remove a landed file or record (FILE or RECORD, with WHY), or let it land again (UNDO); then run nightly
	@$(TOUCHSTONE) retract $(if $(FILE),--file '$(FILE)') $(if $(RECORD),--record '$(RECORD)') \
		$(if $(UNDO),--undo '$(UNDO)') $(if $(WHY),--why '$(WHY)') $(if $(ANYWAY),--anyway)
	@$(TOUCHSTONE) nightly

backup: $(READY) ## copy the home to TO, a folder or an address such as s3://bucket/prefix; a night may run meanwhile
	@$(TOUCHSTONE) backup '$(TO)'

restore: $(READY) ## put the newest backup of FROM, or the dated one that it names, into the home
	@$(TOUCHSTONE) restore '$(FROM)'

rebuild: $(READY) ## build the warehouse again, and the ledger if it is damaged (FROM=inbox: the lake too; HISTORY=1: Dagster's history), then run nightly
	@$(TOUCHSTONE) rebuild $(if $(FROM),--from '$(FROM)') $(if $(HISTORY),--history) $(if $(ANYWAY),--anyway)
	@$(TOUCHSTONE) nightly

erase: $(READY) ## take persons out of the home, while totals stay (PERSON, or PERSONS, a file of many); then run nightly
	@$(TOUCHSTONE) erase $(if $(PERSON),--person '$(subst ','\'',$(PERSON))') $(if $(PERSONS),--file '$(PERSONS)')
	@$(TOUCHSTONE) nightly

message: $(READY) ## print what the lake knows of a message (ID), in order, over all vendors; a night may run meanwhile
	@$(TOUCHSTONE) message '$(subst ','\'',$(ID))'

recipient: $(READY) ## print what the lake knows of messages to a mail address or Pinpoint endpoint (ADDRESS), likewise
	@$(TOUCHSTONE) recipient '$(subst ','\'',$(ADDRESS))'

rollback: $(READY) ## activate the release before the present one
	@$(TOUCHSTONE) rollback

summary: $(READY) ## print what has landed and is published
	@$(TOUCHSTONE) summary

try-alerts: $(READY) ## send a test to all addresses of alerts
	@$(TOUCHSTONE) try-alerts

ui: $(READY) ## start the Dagster UI and its daemon, and print its address, on 127.0.0.1
	@$(TOUCHSTONE) ui

docs: $(READY) ## serve dbt's documentation on http://127.0.0.1:8080
	@$(TOUCHSTONE) docs

bi: $(BI_READY) ## start Superset on http://127.0.0.1:8088, which reads the published marts
	@$(BI)/python -m bi

test: $(READY) ## run all tests, offline
	@$(BIN)/python -m pytest -m "not full" -n 2 --dist loadfile --no-loadscope-reorder

test-full: $(READY) $(SPARK_READY) ## run all tests, with the property tests at full size
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder
	@PYTHONPATH=$(CURDIR)/orchestration:$(CURDIR) $(SPARK)/python -m pytest spark/tests

test-bi: $(BI_READY) ## test Superset's charts and dashboards in a headless Chromium, while a night runs
	@$(BI)/python -m pytest bi/tests

spark: $(SPARK_READY) ## write a dbt project for Spark with the same models into OUT (SYSTEMS)
	@PYTHONPATH=$(CURDIR)/orchestration $(SPARK)/python -m touchstone spark --out '$(OUT)' $(if $(SYSTEMS),--systems $(SYSTEMS))

test-spark: $(SPARK_READY) ## build the generated project on Spark, with its tests, and compare its marts with DuckDB's
	@PYTHONPATH=$(CURDIR)/orchestration:$(CURDIR) $(SPARK)/python -m pytest -m "not full" spark/tests

mutants: $(READY) ## change the metric definitions one bit at a time and count what the tests catch
	@$(BIN)/python -m tools.mutants

bench: $(READY) $(BENCH_READY) ## measure nightly runs against baselines (SYSTEM, N events, RECORD=1, OPTIONS such as --peers or --nights 30)
	@$(BIN)/python -m benchmarks $(SYSTEM) $(if $(N),--events $(N)) $(if $(RECORD),--record) $(OPTIONS)

lint: $(READY) ## run ruff, mypy and sqlfluff
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/sqlfluff lint models tests/alexa tests/mailgun tests/pinpoint tests/ses

lock: $(READY) ## update requirements.lock, and those of benchmarks/, bi/, deploy/ and spark/
	@$(BIN)/uv pip compile --quiet --system-certs --generate-hashes --no-emit-index-url --no-annotate --all-extras \
		--python-version 3.11 --universal pyproject.toml -o requirements.lock
	@for folder in benchmarks bi deploy spark; do \
		$(BIN)/uv pip compile --quiet --system-certs --generate-hashes --no-emit-index-url --no-annotate --no-emit-package touchstone \
			--python-version 3.11 --universal $$folder/requirements.in -o $$folder/requirements.lock || exit 1; \
	done

clean: ## remove the virtual environments; the state stays
	rm -rf .venv .venv-benchmarks .venv-bi .venv-spark
