//! What guests do: batches, frames, language models, stages, kernels, public traces, and the built-in
//! workloads.

mod common;

#[path = "guest_kinds/batching.rs"]
mod batching;
#[path = "guest_kinds/frames.rs"]
mod frames;
#[path = "guest_kinds/kernels.rs"]
mod kernels;
#[path = "guest_kinds/llm.rs"]
mod llm;
#[path = "guest_kinds/new.rs"]
mod new;
#[path = "guest_kinds/presets.rs"]
mod presets;
#[path = "guest_kinds/stages.rs"]
mod stages;
#[path = "guest_kinds/traces.rs"]
mod traces;
