//! What guests do: batches, frames, language models, stages, kernels, public traces, and the built-in
//! workloads.

mod batching;
mod frames;
mod kernels;
mod llm;
mod merging;
mod new;
mod presets;
mod queues;
mod stages;
mod traces;
