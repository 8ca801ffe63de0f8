//! Public traces as they come: the importers keep what the files say.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use warpshare::scenario::{Overrides, Scenario, parse};
use warpshare::workload::trace::Trace;
use warpshare::workload::{Arrivals, Size};

fn load(base: &Path, arrivals: &str, work: &str) -> Result<Scenario, String> {
    let text = format!(
        "[run]\nduration = \"1s\"\nreplications = 1\nbaselines = false\n[gpus.a]\n\
         board = \"a100-sxm4-80gb\"\n[guests.g]\ncontext = true\nworkload = \"w\"\n[workloads.w]\n\
         arrivals = {{ process = \"trace\", {arrivals} }}\n{work}\n"
    );
    match parse("s", &text, base, &Overrides::default()) {
        Ok(loaded) => Ok(loaded.scenario),
        Err(findings) => Err(findings.iter().map(|finding| finding.render()).collect()),
    }
}

fn trace(scenario: &Scenario) -> Arc<Trace> {
    let Arrivals::Trace { trace, .. } = &scenario.guests[0].workload.arrivals else {
        panic!("no trace");
    };
    trace.clone()
}

/// Mean, median and 99th percentile of a column.
fn column(trace: &Trace, name: &str) -> [f64; 3] {
    let index = trace.columns.iter().position(|column| column == name);
    let index = index.expect("the column");
    let mut values: Vec<f64> = trace
        .values
        .chunks(trace.columns.len())
        .map(|row| row[index])
        .collect();
    values.sort_by(f64::total_cmp);
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let at = |p: f64| values[(p * values.len() as f64).ceil() as usize - 1];
    [mean, at(0.5), at(0.99)]
}

#[test]
fn the_azure_trace_keeps_its_rate_and_its_tokens() {
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/traces/azure-llm-2023");
    let scenario = load(
        &base,
        "file = \"AzureLLMInferenceTrace_conv.csv\", format = \"azure-llm\"",
        "[workloads.w.llm]\nmodel = \"llama-2-7b\"\nprompt = { per = { ContextTokens = \"1 token\" } }\n\
         output = { per = { GeneratedTokens = \"1 token\" } }",
    );
    let scenario = scenario.expect("valid");
    let trace = trace(&scenario);
    assert_eq!(trace.arrivals.len(), 19_366);
    // First and last row of the file: 18:15:46.6806 and 19:14:08.4025 of one day.
    let last = *trace.arrivals.last().expect("rows");
    assert_eq!((trace.arrivals[0], last / 1_000_000), (0, 3_501_721));
    let [mean, median, p99] = column(&trace, "ContextTokens");
    assert_eq!(
        ((mean * 10.0).round(), median, p99),
        (11_547.0, 1_020.0, 4_142.0)
    );
    let [mean, median, p99] = column(&trace, "GeneratedTokens");
    assert_eq!(
        ((mean * 10.0).round(), median, p99),
        (2_111.0, 129.0, 601.0)
    );
    let llm = scenario.guests[0]
        .workload
        .discipline
        .llm()
        .expect("an engine");
    assert!(matches!(&llm.prompt, Size::Sum { base: 0.0, terms, .. } if terms.len() == 1));
}

#[test]
fn cluster_traces_have_their_own_times() {
    let folder = tempfile::tempdir().expect("a folder");
    let write =
        |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("written");
    write(
        "pods.csv",
        "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,\
         scheduled_time\np-0,12000,16384,1,1000,,LS,Running,0,500,0\np-1,6000,12288,1,460,,LS,Running,427,900,427\n",
    );
    write(
        "jobs.csv",
        "timestamp,duration,num_gpus,gpu_time,cluster\n2017-10-02 00:01:55,108.0,1,108.0,11cb48\n\
         2017-10-02 00:11:55,74.0,1,74.0,11cb48\n",
    );
    let pods = load(
        folder.path(),
        "file = \"pods.csv\", format = \"openb\"",
        "stages.s.gpu.time = { per = { gpu_milli = \"1ms\" } }",
    );
    assert_eq!(trace(&pods.expect("valid")).arrivals, [0, 427_000_000_000]);
    let jobs = load(
        folder.path(),
        "file = \"jobs.csv\", format = \"philly\"",
        "stages.s.gpu.time = { per = { duration = \"1s\" } }",
    );
    let jobs = trace(&jobs.expect("valid"));
    assert_eq!(
        (jobs.arrivals.as_slice(), jobs.values.as_slice()),
        ([0, 600_000_000_000].as_slice(), [108.0, 74.0].as_slice())
    );
    // The wrong file for a format names what it lacks; a format says everything that it says.
    let wrong = load(
        folder.path(),
        "file = \"jobs.csv\", format = \"openb\"",
        "stages.s.gpu.time = \"1ms\"",
    );
    let wrong = wrong.expect_err("refused");
    assert!(wrong.contains("creation_time"), "{wrong}");
    let twice = load(
        folder.path(),
        "file = \"jobs.csv\", format = \"philly\", time = \"timestamp\"",
        "stages.s.gpu.time = \"1ms\"",
    );
    let twice = twice.expect_err("refused");
    assert!(twice.contains("`time` contradicts"), "{twice}");
}
