//! The named assumptions themselves: one entry each, with its evidence.

use super::{Assumption, Kind};
use crate::mig;

/// All named assumptions, by key.
pub const ALL: &[Assumption] = &[
    Assumption {
        key: "best_effort.slice",
        kind: Kind::Slice,
        default: "1.024ms",
        about: "Slice under best effort, where the scheduler settings of the product do not apply.",
        evidence: "Inference. Default time slice of a channel group in NVIDIA's open kernel modules \
                   595.45.04 (kernel_fifo_gm107.c: 128 << 3 us, Maxwell to the newest class; \
                   https://github.com/NVIDIA/open-gpu-kernel-modules); the slice under best effort \
                   is not documented.",
        local_key: Some("gpus.NAME.share.slice"),
    },
    Assumption {
        key: "best_effort.turns",
        kind: Kind::Choice(&["per-tenant", "per-channel"]),
        default: "per-tenant",
        about: "Whether a VM with several busy channels gets one turn in a round of best effort, or \
                one for each.",
        evidence: "Disputed. NVIDIA's knowledge base describes turns of VMs \
                   (https://docs.nvidia.com/vgpu/knowledge-base/latest/vgpu-features.html); the \
                   driver's registry header (nvrm_registry.h, RmPVMRL bit 0 = 0) describes one \
                   hardware run list with the channels of all VMs. They agree while each VM has one \
                   busy channel.",
        local_key: Some("gpus.NAME.share.turns"),
    },
    Assumption {
        key: "context.slice",
        kind: Kind::Slice,
        default: "1.024ms",
        about: "Slice of CUDA contexts on a bare GPU, boards other than the A100.",
        evidence: "Documented in source: default time slice of a channel group in NVIDIA's open \
                   kernel modules 595.45.04 (kernel_fifo_gm107.c, kernel_fifo_gv100.c). Not measured \
                   on these boards.",
        local_key: Some("gpus.NAME.share.slice"),
    },
    Assumption {
        key: "context.slice.a100",
        kind: Kind::Slice,
        default: "2ms",
        about: "Slice of CUDA contexts on a bare A100.",
        evidence: "Inference from measurements. Inference latencies beside a training job on one \
                   A100-SXM4-40GB under time slicing (tally-bench, tally_results_demo; \
                   https://github.com/tally-project/tally-bench) fit slices of 2.0 ms with a \
                   hand-over and return of 0.3 ms; turns of 3.1 or 6.2 ms fit as well, 1.024 ms (the \
                   driver's source) does not: see docs/measurements.md.",
        local_key: Some("gpus.NAME.share.slice"),
    },
    Assumption {
        key: "copy.engines",
        kind: Kind::Count {
            low: 1,
            high: 1000,
            word: None,
        },
        default: "1",
        about: "Copy engines in each direction. Of a GPU instance, the engines of its profile serve \
                either direction, each as many copies at once as the profile has engines.",
        evidence: "Inference. Copies in both directions overlap on every data-centre board; how many \
                   engines serve one direction is not published for boards without MIG, and the MIG \
                   figure of the others counts engines that tenants do not see.",
        local_key: Some("gpus.NAME.copy_engines"),
    },
    Assumption {
        key: "frames.client",
        kind: Kind::Duration,
        default: "0ms",
        about: "What the client adds to the latency of a frame: decoding, and the wait for its display.",
        evidence: "Assumption: none, so that latencies are those of the GPU and its machine. A client that \
                   decodes in hardware at 60 Hz adds a frame or two, 16 to 33 ms.",
        local_key: Some("workloads.NAME.frames.client"),
    },
    Assumption {
        key: "frames.network",
        kind: Kind::Duration,
        default: "0ms",
        about: "What the network adds to the latency of a frame: input there, frame back.",
        evidence: "Assumption: none, so that latencies are those of the GPU and its machine. The round \
                   trip to the users is for the planner to measure.",
        local_key: Some("workloads.NAME.frames.network"),
    },
    Assumption {
        key: "host.cores",
        kind: Kind::Count {
            low: 1,
            high: 1_000_000,
            word: Some("unlimited"),
        },
        default: "unlimited",
        about: "Cores that the host part of jobs shares.",
        evidence: "No claim about a machine: host work never waits unless the scenario says how many \
                   cores there are.",
        local_key: Some("host.cores"),
    },
    Assumption {
        key: "kernels.compute_bound",
        kind: Kind::Number {
            low: 0.0,
            high: 1.0,
        },
        default: "0",
        about: "Memory-bound part of the time of kernels that a profile calls compute-bound (1).",
        evidence: "Unsourced as a number. Orion's profiles (https://github.com/eth-easl/orion) say which limit of \
                   the roofline a kernel is near (Nsight Compute), not by how much; the default is the \
                   extreme that the word means.",
        local_key: None,
    },
    Assumption {
        key: "kernels.memory_bound",
        kind: Kind::Number {
            low: 0.0,
            high: 1.0,
        },
        default: "1",
        about: "Memory-bound part of the time of kernels that a profile calls memory-bound (0).",
        evidence: "Unsourced as a number: see kernels.compute_bound. The default is the other extreme.",
        local_key: None,
    },
    Assumption {
        key: "kernels.shared_kib_per_sm",
        kind: Kind::Number {
            low: 1.0,
            high: 4096.0,
        },
        default: "164",
        about: "Shared memory of an SM in KiB, for how many blocks of a kernel of a GPU trace of Nsight Systems it \
                holds.",
        evidence: "CUDA C++ Programming Guide, technical specifications per compute capability: 64 (7.5), 96 (7.0), \
                   100 (8.6, 8.9, 12.x), 164 (8.0), 228 (9.0, 10.x). The default is that of the A100; the file \
                   names the board that it was recorded on.",
        local_key: None,
    },
    Assumption {
        key: "kernels.threads_per_sm",
        kind: Kind::Count {
            low: 32,
            high: 65_536,
            word: None,
        },
        default: "2048",
        about: "Threads that an SM holds at once, for how many blocks of a kernel of a GPU trace of Nsight Systems it \
                holds.",
        evidence: "CUDA C++ Programming Guide, technical specifications per compute capability: 1,024 (7.5), 1,536 \
                   (8.6, 8.9, 12.x), 2,048 (7.0, 8.0, 9.0, 10.x).",
        local_key: None,
    },
    Assumption {
        key: "kernels.unclassified",
        kind: Kind::Number {
            low: 0.0,
            high: 1.0,
        },
        default: "0.5",
        about: "Memory-bound part of the time of kernels that a profile does not classify (-1).",
        evidence: "Unsourced. Such kernels are near neither limit, mostly because they are short; the default is \
                   the middle.",
        local_key: None,
    },
    Assumption {
        key: "llm.block",
        kind: Kind::Count {
            low: 1,
            high: 1024,
            word: None,
        },
        default: "16",
        about: "Tokens of a block of the cache of keys and values.",
        evidence: "Documented: DEFAULT_BLOCK_SIZE of vLLM \
                   (https://github.com/vllm-project/vllm, vllm/config/cache.py).",
        local_key: Some("workloads.NAME.llm.block"),
    },
    Assumption {
        key: "llm.launch",
        kind: Kind::Duration,
        default: "4.9us",
        about: "What each kernel of an iteration takes beside its work.",
        evidence: "Inference from measurements: the fit of 104 matrix products on an A100 (Vidur, \
                   https://github.com/microsoft/vidur; docs/measurements.md); small kernels of the \
                   same set take 2 to 7 us.",
        local_key: None,
    },
    Assumption {
        key: "llm.max_requests",
        kind: Kind::Count {
            low: 1,
            high: 65_536,
            word: None,
        },
        default: "256",
        about: "Requests that an engine runs at once at most.",
        evidence: "Inference from code: the default of max_num_seqs in vLLM's engine arguments up to \
                   0.8, before it went by the board (https://docs.vllm.ai/en/v0.8.1/serving/engine_args.html \
                   lists the key; newer configurations have 128).",
        local_key: Some("workloads.NAME.llm.max_requests"),
    },
    Assumption {
        key: "llm.max_tokens",
        kind: Kind::Count {
            low: 1,
            high: 1 << 24,
            word: None,
        },
        default: "2048",
        about: "Tokens that an iteration of an engine computes at most.",
        evidence: "Documented: DEFAULT_MAX_NUM_BATCHED_TOKENS of vLLM \
                   (https://github.com/vllm-project/vllm, vllm/config/scheduler.py); its servers have \
                   larger defaults on large boards.",
        local_key: Some("workloads.NAME.llm.max_tokens"),
    },
    Assumption {
        key: "llm.memory",
        kind: Kind::Number {
            low: 0.01,
            high: 1.0,
        },
        default: "0.9",
        about: "Part of the memory that weights and cache of an engine take.",
        evidence: "Documented: gpu_memory_utilization of vLLM, long 0.9, 0.92 in newer versions \
                   (https://github.com/vllm-project/vllm, vllm/config/cache.py). What is left \
                   stands for activations and the context, which are not counted.",
        local_key: Some("workloads.NAME.llm.cache"),
    },
    Assumption {
        key: mig::START_RULE.key,
        kind: Kind::Choice(&[mig::START_RULE.default]),
        default: mig::START_RULE.default,
        about: mig::START_RULE.about,
        evidence: mig::START_RULE.evidence,
        local_key: Some("gpus.NAME.instances.NAME.start"),
    },
    Assumption {
        key: "mps.clients",
        kind: Kind::Count {
            low: 1,
            high: 1000,
            word: None,
        },
        default: "48",
        about: "CUDA contexts that MPS serves on one GPU at most.",
        evidence: "Documented: 48 from Volta on, 16 before (NVIDIA Multi-Process Service guide, \
                   https://docs.nvidia.com/deploy/mps/index.html). A public quotation of its present \
                   edition says 60 from CUDA 13.1 on.",
        local_key: None,
    },
    Assumption {
        key: "mps.instance_clients",
        kind: Kind::Choice(&["compute-slices", "undivided"]),
        default: "compute-slices",
        about: "How many clients MPS serves in an instance: its part, by compute slices and rounded down, of \
                what it serves on the whole GPU (6 in one of seven slices), or no less than there.",
        evidence: "Documented that the limit shrinks with the size of the compute instance (NVIDIA MIG \
                   user guide, deployment considerations, \
                   https://docs.nvidia.com/datacenter/tesla/mig-user-guide/deployment-considerations.html). \
                   That the size is that in compute slices, and the rounding, are inference.",
        local_key: None,
    },
    Assumption {
        key: "mps.interference",
        kind: Kind::Number {
            low: 0.0,
            high: 10.0,
        },
        default: "0.1",
        about: "How much longer work takes under MPS while work of another client runs, beyond what \
                SMs and memory bandwidth explain.",
        evidence: "Inference from measurements on one V100: two inference clients whose SM shares add \
                   up to 100 % slow each other by 10 % on average, 2 to 22 % (iGniter, \
                   https://github.com/icloud-ecnu/igniter); the factor of one pair of models, 1.07 \
                   to 1.12, predicts the other pairs with a mean error of 3.5 to 4.5 % \
                   (docs/measurements.md). Not measured on other boards. Clients that all want the \
                   same SMs never slow each other so much that turns would be faster (ParvaGPU, \
                   https://github.com/MunQ-Lee/ParvaGPU_SC24: processes that fill their instance do \
                   1.03 to 1.07 times the work of one, docs/ways-to-share.md). 0 switches it off.",
        local_key: Some("gpus.NAME.share.interference"),
    },
    Assumption {
        key: "nvenc.change",
        kind: Kind::Duration,
        default: "0us",
        about: "What it costs an NVENC engine to go to another vGPU, under run lists of the encoders.",
        evidence: "Assumption. No figure is published.",
        local_key: None,
    },
    Assumption {
        key: "nvenc.sessions",
        kind: Kind::Choice(&["in-turn"]),
        default: "in-turn",
        about: "Which engine encodes a session, under run lists of the encoders: sessions go to the \
                engines in turn, in the order in which their guests start.",
        evidence: "Assumption. One session uses one engine; which one is decided in firmware.",
        local_key: None,
    },
    Assumption {
        key: "nvenc.slice",
        kind: Kind::Slice,
        default: "2ms",
        about: "Slice of an NVENC engine, under run lists of the encoders; an engine ends the frame \
                that it is at.",
        evidence: "Assumption, after the default slice of equal share on the SMs with up to eight \
                   vGPUs. The registry setting (RmNvencPVMRL in nvrm_registry.h of NVIDIA's open kernel \
                   modules 590.44.01) names no length.",
        local_key: Some("gpus.NAME.encoders.slice"),
    },
    Assumption {
        key: "pcie.efficiency",
        kind: Kind::Number {
            low: 0.01,
            high: 1.0,
        },
        default: "0.8",
        about: "Achieved part of the PCIe rate that lanes and encoding leave.",
        evidence: "Inference from the packet format of the PCI Express Base Specification: 20 to 24 \
                   bytes of framing, header and checksum for each payload of 128 bytes leave 84 to \
                   86 %, flow control takes some more. Not measured on these boards.",
        local_key: Some("gpus.NAME.pcie_bandwidth"),
    },
    Assumption {
        key: "pcie.latency",
        kind: Kind::Duration,
        default: "10us",
        about: "Fixed cost of one copy.",
        evidence: "Unsourced: an order of magnitude for submitting one asynchronous copy and seeing \
                   its end. Matters only for copies below about a quarter of a MiB.",
        local_key: Some("gpus.NAME.pcie_latency"),
    },
    Assumption {
        key: "policy.slice",
        kind: Kind::Slice,
        default: "2ms",
        about: "Slice of the schedulers that no product of the vendor has, and whose source names none.",
        evidence: "Chosen: the vendor's default slice of types with up to 8 vGPUs, so that comparisons \
                   are about the order and not about the slice.",
        local_key: Some("gpus.NAME.share.slice"),
    },
    Assumption {
        key: "rates.bandwidth",
        kind: Kind::Choice(&["on", "off"]),
        default: "on",
        about: "Whether memory bandwidth limits work on a slice and beside other work: its \
                memory-bound share stretches with the part of the bandwidth that it gets, which \
                operations that run at once share max-min fairly by demand.",
        evidence: "Inference from measurements. On MIG slices of an A100 the memory-bound share that \
                   other workloads give (0.40 to 0.50) predicts saturated latencies with a mean \
                   error of 4.9 %, the SM ratio alone with 6.8 % (MIGPerf, \
                   https://github.com/MLSysOps/MIGProfiler; docs/measurements.md). Max-min sharing \
                   among co-runners is a model without a measurement of its own.",
        local_key: None,
    },
    Assumption {
        key: "rates.reach",
        kind: Kind::Number {
            low: 1.0,
            high: 1000.0,
        },
        default: "2",
        about: "How many times its part of the SMs work can draw of the memory bandwidth: with 2, half \
                of the SMs that it can fill draw all of it.",
        evidence: "Inference from measurements. Decode steps of LLaMA 7B under SM limits on an A100, \
                   which stream from memory, come out with a mean error of 8.5 %, and those of 13B are \
                   predicted with 8.7 %; without this limit the errors are 13.6 and 14.6 % (MuxServe, \
                   https://github.com/hao-ai-lab/MuxServe; docs/measurements.md). Not measured on other \
                   boards. 1000 switches it off.",
        local_key: None,
    },
    Assumption {
        key: "reference.scaling",
        kind: Kind::Choice(&["compute-and-memory", "none"]),
        default: "compute-and-memory",
        about: "How GPU time carries over from the reference board: with memory-bound part m, time \
                changes by (1 - m) / (ratio of peak arithmetic: FP32, or of its `precision`) + m / (ratio \
                of peak memory bandwidth).",
        evidence: "Inference: the roofline model with no overlap of arithmetic and memory traffic. \
                   Peak ratios ignore caches, clocks under load and tensor cores.",
        local_key: None,
    },
    Assumption {
        key: "reserved.on_idle",
        kind: Kind::Choice(&["hold", "end"]),
        default: "hold",
        about: "Whether a reserved slice is held to its end when its vGPU runs out of work in it.",
        evidence: "Inference. The documented shares under equal and fixed share do not change with \
                   the idleness of others (https://docs.nvidia.com/vgpu/faq/latest/deployment.html); \
                   whether firmware ends a slice early is not documented.",
        local_key: Some("gpus.NAME.share.on_idle"),
    },
    Assumption {
        key: "roofline.bytes",
        kind: Kind::Number {
            low: 0.001,
            high: 1.0,
        },
        default: "0.779",
        about: "Achieved part of the peak memory bandwidth, for GPU work given by its operations and \
                bytes.",
        evidence: "Inference from measurements; see roofline.flops.",
        local_key: Some("workloads.NAME.stages.NAME.NAME.byte_efficiency"),
    },
    Assumption {
        key: "roofline.flops",
        kind: Kind::Number {
            low: 0.001,
            high: 1.0,
        },
        default: "0.706",
        about: "Achieved part of the peak arithmetic, for GPU work given by its operations and bytes.",
        evidence: "Inference from measurements. 104 FP16 matrix products on an A100 (Vidur, \
                   https://github.com/microsoft/vidur) fit 0.706 of the peak arithmetic, 0.779 of the \
                   peak bandwidth and 4.9 us for the launch with a median error of 3.9 %; the same two \
                   parts predict those of an A40 with 4.7 % (docs/measurements.md). Other kernels reach \
                   other parts, mostly smaller ones.",
        local_key: Some("workloads.NAME.stages.NAME.NAME.flop_efficiency"),
    },
    Assumption {
        key: "switch.preemption",
        kind: Kind::Duration,
        default: "0us",
        about: "From the end of a slice to the stop of the outgoing work, which runs on meanwhile.",
        evidence: "Not known for these boards, and left out rather than counted twice: the published \
                   figures below are for the whole switch. Work on a server GPU was preempted within \
                   40 us (GPreempt, USENIX ATC 2025, \
                   https://www.usenix.org/conference/atc25/presentation/fan).",
        local_key: Some("gpus.NAME.switch.preemption"),
    },
    Assumption {
        key: "switch.restore",
        kind: Kind::Duration,
        default: "50us",
        about: "Restoring the context of the incoming tenant.",
        evidence: "Inference; see switch.save.",
        local_key: Some("gpus.NAME.switch.restore"),
    },
    Assumption {
        key: "switch.save",
        kind: Kind::Duration,
        default: "50us",
        about: "Saving the context of the outgoing tenant.",
        evidence: "Inference. No figure is published for a switch between VMs on Volta or newer. Half \
                   of a switch of 100 us: the vendor's bound for Pascal graphics is below 100 us \
                   (https://www.bit-tech.net/reviews/tech/graphics/evga-geforce-gtx-1080-ftw-review/6/), \
                   earlier work gives 50 to 750 us and Tegra boards 200 to 500 us (Wang et al., GCAPS, \
                   ECRTS 2024).",
        local_key: Some("gpus.NAME.switch.save"),
    },
    Assumption {
        key: "switch.scheduler_call",
        kind: Kind::Duration,
        default: "0us",
        about: "The scheduler's own call before a turn.",
        evidence: "Inference: contained in the figures for the whole switch. The log in the vGPU 17 \
                   user guide grows by 0.8 to 1.7 us for each slice with one vGPU running \
                   (https://docs.nvidia.com/grid/17.0/grid-vgpu-user-guide/index.html).",
        local_key: Some("gpus.NAME.switch.scheduler_call"),
    },
    Assumption {
        key: "vf.total",
        kind: Kind::Count {
            low: 1,
            high: 100_000,
            word: None,
        },
        default: "largest type maximum of the board",
        about: "SR-IOV virtual functions of boards whose number is not published.",
        evidence: "Inference: a board must be able to hold as many vGPUs as the type tables of the \
                   vGPU user guide allow; boards with a published number have at least that many.",
        local_key: Some("gpus.NAME.max_vfs"),
    },
    Assumption {
        key: "vgpu.visible_memory",
        kind: Kind::Number {
            low: 0.0,
            high: 1.0,
        },
        default: "0.93",
        about: "Part of its frame buffer that the guest of a vGPU sees, for types of which no source \
                gives it.",
        evidence: "Inference: 7616 of 8192 MiB and 15296 of 16384 MiB in the types of Volta to \
                   Ampere, whose figures are in data/vgpu_types.csv. Smaller types see less (1856 of \
                   2048), those of Ada more (47104 of 49152).",
        local_key: None,
    },
];
