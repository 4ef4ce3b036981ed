##@ Benchmarks

# docs/operations/benchmarks.md has the results.
.PHONY: bench-overhead bench-scale bench-growth bench-finished bench-build bench-depot bench-rebuild bench-export bench-serving bench-transfer bench-change bench-latency bench-check mutation
BENCH_BUILD_SIZES ?= 100,1000,4000
BENCH_REBUILD_WEIGHTS ?= 100
EXAMPLE_PATH := examples/object-detect/server:examples/object-detect/code:examples/object-detect/training
SCALE ?=
GROWTH ?=
TRANSFER ?=
LATENCY ?=
CHECK ?=

bench-overhead: setup ## one pipeline by the operator against a bare script
	@$(PY) -m bench.pipelines overhead

bench-scale: setup ## 500 InferenceImages at once, beside a script and Argo Workflows (SCALE=--profile: with the API server's profiles)
	@$(PY) -m bench.pipelines scale $(SCALE)

bench-finished: setup ## what 5,000 finished InferenceImages cost: a restart, and resyncs
	@$(PY) -m bench.pipelines finished

bench-growth: setup ## what one of 2,000 pipelines at once costs, beside one of 200 (GROWTH=--script: by a script)
	@$(PY) -m bench.pipelines growth $(GROWTH)

bench-build: setup ## the builders against buildah, at 100 MB, 1 GB and 4 GB of weights (needs root)
	@$(PY) -m bench.builders.build --sizes $(BENCH_BUILD_SIZES)

bench-depot: setup ## Kaniko with a depot against one that has the registry login: time, memory, disk (needs root)
	@$(PY) -m bench.builders.depot

bench-rebuild: setup ## what a rebuild pushes, counted at the registry (needs root)
	@$(PY) -m bench.builders.rebuild --weights $(BENCH_REBUILD_WEIGHTS)

bench-export: setup setup-tf ## the export step against the bare exporter; the image's size
	@$(PY) -m bench.export

bench-serving: setup setup-tf ## the example's server beside a plain one, both runtimes, 1 to 32 clients
	@PYTHONPATH=$(EXAMPLE_PATH) $(PY_TF) -m bench.serving

bench-transfer: packages ## US3 transfers against curl and the SDK (TRANSFER="--size 0.5 --rounds 1": a quick one)
	@$(PY) -m bench.transfer $(TRANSFER)

bench-change: packages setup-tf ## from a changed file of the code to Ready, on the development cluster (needs root)
	@$(PY) -m bench.change

bench-latency: packages setup-tf ## the timeline of a run of each kind beside bare Jobs, as pictures in out/bench (needs root; LATENCY="--rounds 1")
	@$(PY) -m bench.latency $(LATENCY)

bench-check: packages setup-tf ## short runs of five benchmarks: fail where a ratio is worse than the committed one (CHECK="--record 3", CHECK=overhead)
	@$(PY) -m bench.check $(CHECK)

mutation: setup ## whether a unit test notices every change of the pure core
	@$(PY) -m bench.mutation
