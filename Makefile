# Each target makes .venv first. Nothing is needed but Python 3.11, make and the package registries.
PYTHON ?= python3.11
# A machine with a PyTorch index can say: make setup TORCH_ARGS="--index-url https://download.pytorch.org/whl/cpu"
TORCH_ARGS ?=
DATA ?=

BIN := .venv/bin
XTALKER := $(BIN)/xtalker

# Not needed to curate: the voice of the sample, the reader of prompts. The tests want both.
ON_DEMAND := piper-joe minilm

DEMO := .xtalker/demo
FAULTY := .xtalker/bench/faults
KEPT := select clip_id, duration_s, face_px, snr_db, dnsmos_ovrl, recon_nme, transcript from clips where keep limit 12
REFUSED := select reason, count(*) as files from sources where status = 'refused' group by reason order by files desc
BEST := select clip_id from clips where keep order by face_px desc, clip_id limit 1
SPEECH := select s.path from sources s join clips c using (source_id) where keep order by s.duration_s, s.path limit 1
# The sample has one sentence a clip: two whose speakers also say another are held out. Say your own for DATA.
HOLDOUT ?= $(if $(DATA),,path like '%_05.mp4' or path like '%_06.mp4')
first = $$($(XTALKER) sql -w $(DEMO)/warehouse "$(1)" -f csv | tail -1 | tr -d '"')

.PHONY: setup demo demo-train test test-real test-server test-killed test-all check bench bench-clock bench-hearing bench-avatar bench-recon bench-faults bench-sync bench-flow lock clean

setup: .venv/.ready

.venv/.ready: requirements.lock pyproject.toml models/assets.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet $(TORCH_ARGS) "$$(grep '^torch==' requirements.lock)"
	$(BIN)/pip install --quiet "$$(grep '^uv==' requirements.lock)"
	$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	$(XTALKER) assets pull
	$(XTALKER) assets pull $(ON_DEMAND)
	touch $@

demo: setup ## curate a sample (or DATA=folder), show what came out, and let the default model say one of its sentences
	$(if $(DATA),,test -f $(DEMO)/videos/MANIFEST.csv || $(XTALKER) sample $(DEMO)/videos)
	$(XTALKER) curate $(or $(DATA),$(DEMO)/videos) -w $(DEMO)/warehouse
	$(XTALKER) sql -w $(DEMO)/warehouse "$(KEPT)"
	$(XTALKER) sql -w $(DEMO)/warehouse "$(REFUSED)"
	clip=$(call first,$(BEST)) && \
	$(XTALKER) show $$clip -w $(DEMO)/warehouse --still -o $(DEMO)/overlay.png && \
	$(XTALKER) show $$clip -w $(DEMO)/warehouse -o $(DEMO)/overlay.mp4
	$(XTALKER) generate --model default --audio "$(call first,$(SPEECH))" -o $(DEMO)/avatar.mp4

demo-train: demo ## a model of one's own, after a minute of training: too little to speak well, enough to see it all work
	$(XTALKER) train -w $(DEMO)/warehouse --max-minutes 1 --copies 0 $(if $(HOLDOUT),--holdout "$(HOLDOUT)") --resume
	$(XTALKER) models -w $(DEMO)/warehouse
	$(XTALKER) generate -w $(DEMO)/warehouse --model latest --audio "$(call first,$(SPEECH))" -o $(DEMO)/avatar-trained.mp4

test: setup ## the fast suite, under two minutes on two cores
	$(BIN)/pytest -n auto

test-real: setup ## the tests on real clips, which skip where ../shared/data is absent
	$(BIN)/pytest -m "(real_data or slow) and not prefect" -n auto --dist loadfile

test-server: setup ## the flows against a real local Prefect server
	$(BIN)/pytest -m "prefect and not slow"

test-killed: setup ## the flows killed at ten points, a quarter of an hour and more
	$(BIN)/pytest -m "prefect and slow"

test-all: test test-real test-server test-killed

check: setup ## types and style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup ## speed of the whole chain by stage, and of SQL on a million clips
	$(BIN)/python -m tests.bench.curate $(if $(DATA),--data "$(DATA)")
	$(BIN)/python -m tests.bench.sql_million

bench-clock: setup ## how exactly time passes from file to clip, on a set of files with every odd clock
	$(BIN)/python -m tests.bench.clock

bench-hearing: setup ## language, quality, music and a second voice: how well they are told, and what the audio side costs
	$(BIN)/python -m tests.bench.hearing $(if $(DATA),--data "$(DATA)")

bench-avatar: setup ## how well and how fast the motion models speak
	$(BIN)/python -m tests.bench.avatar

bench-sync: setup ## how well lips and sound are told in step, late or strangers
	$(BIN)/python -m tests.bench.sync

bench-recon: setup ## how true the fitted heads are, against made heads and real clips; SEED=n is other people
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/python -m tests.bench.recon --seed $(or $(SEED),1)

bench-faults: setup ## what the gates catch of faults planted in made clips (and in DATA), and what they refuse wrongly
	test -f $(FAULTY)/MANIFEST.csv || $(XTALKER) synth -o $(FAULTY) --clips 44 --speakers 11
	$(BIN)/python -m tests.bench.faults $(FAULTY) $(DATA)

bench-flow: setup ## what Prefect adds to a curation
	$(BIN)/python -m tests.bench.orchestration

lock: setup ## pin every package anew
	( head -2 requirements.lock; $(BIN)/uv pip compile --quiet pyproject.toml --extra dev --no-annotate --no-header \
	  --no-emit-index-url | grep -v -e '^cuda-' -e '^nvidia-' -e '^triton' | sed 's/+cpu//' ) > requirements.new
	mv requirements.new requirements.lock

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache build *.egg-info
