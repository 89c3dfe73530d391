# `make help` lists what there is to do.
.DEFAULT_GOAL := help
.PHONY: help run test lint runtime runtime-cuda model bench openapi readme deny clean

DATA ?= ../shared/data/cric
TRUNK ?= models/cric-lite0/trunk.onnx
BUNDLE ?= models/cric-lite0
SEED ?= 1
CARGO ?= cargo
# Everything is built with one profile, so that it is compiled once.
BUILD := --release --locked

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

run: runtime ## build and serve the default bundle on 127.0.0.1:8080 (SECONDLOOK_LISTEN changes it)
	$(CARGO) run $(BUILD) --bin secondlook -- serve

test: runtime lint ## everything that guards the project: format, lints, and every test
	$(CARGO) test $(BUILD) --features trainer

lint: ## format and lints, warnings denied
	$(CARGO) fmt --check
	$(CARGO) clippy $(BUILD) --all-targets --features trainer -- -D warnings

runtime: ## fetch the ONNX Runtime library once (ORT_DYLIB_PATH overrides)
	@test -n "$$ORT_DYLIB_PATH" || python3 scripts/fetch_runtime.py

runtime-cuda: ## fetch the CUDA build of the library instead
	@python3 scripts/fetch_runtime.py --gpu

model: runtime ## train the default bundle again (DATA=folder of CRIC fields) and print its evaluation
	$(CARGO) run $(BUILD) --features trainer --bin secondlook-train -- model \
		--data $(DATA) --trunk $(TRUNK) --out $(BUNDLE) --work work/cric --seed $(SEED)

bench: runtime ## costs as ratios, measured in one run
	$(CARGO) bench --locked --features trainer --bench methods --bench serving --bench training

openapi: runtime ## write openapi.yaml and its examples again from the code and the default bundle
	UPDATE_EXAMPLES=1 $(CARGO) test $(BUILD) --test service examples
	$(CARGO) run $(BUILD) --bin secondlook -- openapi > openapi.yaml

readme: runtime ## write the README's answer again from the default bundle
	$(CARGO) build $(BUILD) --bin secondlook
	python3 scripts/readme_answer.py

deny: ## licences, bans and sources of every dependency (needs cargo-deny)
	$(CARGO) deny --offline --all-features check licenses bans sources

clean: ## remove what was built and fetched
	$(CARGO) clean
	rm -rf runtime work
