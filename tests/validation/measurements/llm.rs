//! Whole steps of language models against MuxServe: LLaMA 7B and 13B with all SMs of an A100.

use super::sets::{Line, lines, number};
use warpshare::calibrate::Errors;
use warpshare::catalog::Catalog;
use warpshare::workload::llm::{Device, Model, Step, cost, known};

/// The board of the set with the achieved parts that the matrix products of another set give; nothing
/// is fitted to these rows.
pub fn device() -> Device {
    let catalog = Catalog::builtin().expect("the catalogue");
    let board = catalog.gpu("a100-sxm4-80gb").expect("the board");
    let tflops = board.fp16_tensor_tflops_dense.expect("known");
    Device {
        flops: 0.706 * tflops * 1e3,
        bytes: 0.779 * board.memory_bandwidth_gb_s.expect("known"),
        launch: 4_900.0,
    }
}

/// LLaMA 1 has the shapes of Llama 2.
fn model(line: &Line) -> Model {
    let id = match line["model"].as_str() {
        "llama-7b" => "llama-2-7b",
        "llama-13b" => "llama-2-13b",
        other => panic!("no shape of {other}"),
    };
    known(id).expect("built in").model
}

/// (predicted, measured) milliseconds of the rows with all SMs.
pub fn steps(phase: &str) -> Vec<(f64, f64)> {
    let file = format!("muxserve_{phase}_a100.csv");
    let all = lines(&file);
    let whole = all.iter().filter(|line| line["sm_pct"] == "100");
    whole
        .map(|line| {
            let batch: u64 = line["batch"].parse().expect("a count");
            let context = number(line, "seq_len");
            let requests = batch as f64;
            let step = match phase {
                "prefill" => Step {
                    tokens: batch * context as u64,
                    sampled: batch,
                    attended: requests * context * (context + 1.0) / 2.0,
                    cached: requests * context,
                },
                _ => Step {
                    tokens: batch,
                    sampled: batch,
                    attended: requests * (context + 1.0),
                    cached: requests * (context + 1.0),
                },
            };
            let ms = cost(&model(line), &device(), &step).total() / 1e6;
            (ms, number(line, "value"))
        })
        .collect()
}

/// Medians are asked for within 20 %, with the efficiencies of another set.
#[test]
fn whole_steps_of_a_language_model() {
    for phase in ["prefill", "decode"] {
        let errors = Errors::of(steps(phase)).expect("rows");
        assert_eq!(errors.n, 86, "{phase}");
        assert!(errors.median <= 0.20, "{phase}: {errors:?}");
    }
}
