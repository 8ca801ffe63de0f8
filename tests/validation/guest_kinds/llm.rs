//! Language-model engines end to end.

use std::path::Path;
use warpshare::experiment::{self, Silent};
use warpshare::result::RunResult;
use warpshare::scenario::{Overrides, Scenario, parse};
use warpshare::workload::llm::{Step, cost};

fn load(text: &str) -> Scenario {
    let loaded = parse("s", text, Path::new("."), &Overrides::default());
    let loaded = loaded.unwrap_or_else(|errors| {
        panic!("{}", errors.iter().map(|e| e.render()).collect::<String>())
    });
    loaded.scenario
}

fn run(scenario: &Scenario) -> RunResult {
    experiment::run(scenario, &experiment::Options::default(), &Silent).expect("it runs")
}

fn scenario(gpu: &str, guest: &str, arrivals: &str, llm: &str) -> Scenario {
    load(&format!(
        "[run]\nduration = \"40s\"\nreplications = 2\n[gpus.a]\n\
         board = \"a100-sxm4-80gb\"\n{gpu}\n[guests.chat]\ncontext = true\n{guest}\n\
         workload = \"chat\"\n[workloads.chat]\narrivals = {{ {arrivals} }}\n[workloads.chat.llm]\n\
         model = \"llama-2-7b\"\n{llm}"
    ))
}

/// One request at a time: its prompt in two chunks, then token after token.
#[test]
fn a_lone_request_takes_the_sum_of_its_iterations() {
    let llm = "prompt = \"3000 tokens\"\noutput = \"4 tokens\"\nmax_tokens = 2048\n";
    let scenario = scenario("", "", "process = \"deterministic\", period = \"2s\"", llm);
    let engine = scenario.guests[0]
        .workload
        .discipline
        .llm()
        .expect("an engine");
    let nanos = |tokens: u64, cached: f64, sampled| {
        let chunk = tokens as f64;
        let step = Step {
            tokens,
            sampled,
            attended: chunk * cached + chunk * (chunk + 1.0) / 2.0,
            cached: cached + chunk,
        };
        cost(&engine.model, &engine.device, &step).total().round()
    };
    let first = nanos(2048, 0.0, 0) + nanos(952, 2048.0, 1);
    let rest: Vec<f64> = (3000..3003)
        .map(|cached| nanos(1, f64::from(cached), 1))
        .collect();
    let result = run(&scenario);
    let group = &result.guests[0];
    let tokens = group.tokens.as_ref().expect("tokens");
    let near = |found: Option<f64>, wanted: f64| {
        let found = found.expect("a value");
        // Work ends on a whole nanosecond.
        assert!((found - wanted).abs() <= 5.0, "{found} is not {wanted}");
    };
    near(tokens.first_token.mean_ns.value, first);
    near(
        tokens.between_tokens.mean_ns.value,
        rest.iter().sum::<f64>() / 3.0,
    );
    near(
        group.response.mean_ns.value,
        first + rest.iter().sum::<f64>(),
    );
    assert_eq!(tokens.prompt_tokens.value, Some(3000.0));
    assert_eq!(tokens.output_tokens.value, Some(4.0));
    assert_eq!(tokens.goodput_per_s, None);
}

/// On a slice an iteration stretches between the SM and the memory ratio, and weights that do not leave
/// room for the default context are refused.
#[test]
fn a_slice_is_slower_and_has_a_smaller_cache() {
    let arrivals = "process = \"deterministic\", period = \"2s\"";
    let llm = "prompt = \"8 tokens\"\noutput = \"40 tokens\"\n";
    let gap = |gpu: &str, guest: &str| {
        let scenario = scenario(gpu, guest, arrivals, llm);
        let blocks = scenario.guests[0]
            .workload
            .discipline
            .llm()
            .map(|llm| llm.blocks);
        let result = run(&scenario);
        let tokens = result.guests[0].tokens.clone().expect("tokens");
        (
            tokens.between_tokens.mean_ns.value.expect("gaps"),
            blocks.expect("blocks"),
        )
    };
    let (whole, large) = gap("", "");
    let (slice, small) = gap("instances.i = { profile = \"2g.20gb\" }", "on = \"a.i\"");
    // Decode streams: a quarter of the bandwidth, 28 of 108 SMs for the rest.
    let ratio = slice / whole;
    assert!((3.8..4.0).contains(&ratio), "{ratio}");
    // 0.9 of 80 GiB and of 19.625 GiB, less 13.48 GB of weights, in blocks of 8 MiB.
    let blocks = |mib: f64| ((mib * 1_048_576.0 * 0.9) as u64 - 13_476_831_232) / (8 << 20);
    assert_eq!(large, blocks(81_920.0));
    assert!(small < large / 10, "{small} of {large}");
}

/// Requests that share a full cache are sent back and still all end.
#[test]
fn a_small_cache_preempts_and_loses_nothing() {
    let llm = "prompt = \"300 tokens\"\noutput = { dist = \"uniform\", low = \"10 tokens\", \
               high = \"400 tokens\" }\ncache = \"1GiB\"\ncontext = 1000\nfirst_token = \"1s\"\n";
    let closed = "process = \"closed\", users = 12";
    let result = run(&scenario("", "", closed, llm));
    let group = &result.guests[0];
    let tokens = group.tokens.as_ref().expect("tokens");
    assert!(tokens.preemptions > 0);
    assert_eq!(group.jobs.arrived, group.jobs.completed);
    let good = tokens.goodput_per_s.as_ref().and_then(|good| good.value);
    let all = group.throughput_per_s.value.expect("a rate");
    let good = good.expect("a rate");
    assert!(good > 0.0 && good < all, "{good} of {all}");
    // With room for everybody nobody is sent back, and more is done.
    let roomy = run(&scenario("", "", closed, &llm.replace("1GiB", "8GiB")));
    let group = &roomy.guests[0];
    assert_eq!(
        group.tokens.as_ref().map(|tokens| tokens.preemptions),
        Some(0)
    );
    assert!(group.throughput_per_s.value.expect("a rate") > all);
}

/// Results do not depend on the speed of execution, also beside a neighbour that takes turns.
#[test]
fn all_speeds_give_the_same_tokens() {
    let text = "[run]\nduration = \"5s\"\nreplications = 1\nbaselines = false\n[gpus.a]\n\
        board = \"a100-sxm4-80gb\"\n[guests.chat]\ncontext = true\nworkload = \"chat\"\n\
        [guests.other]\ncontext = true\nworkload = \"train\"\n[workloads.chat]\n\
        arrivals = { process = \"poisson\", rate = \"3/s\" }\n[workloads.chat.llm]\n\
        model = \"llama-2-7b\"\nprompt = { dist = \"exponential\", mean = \"300 tokens\" }\n\
        output = { dist = \"exponential\", mean = \"50 tokens\" }\nhost = \"1ms\"\n[workloads.train]\n\
        arrivals = { process = \"closed\" }\nstages.step.gpu.time = \"30ms\"\n";
    let scenario = load(text);
    let at = |speed| {
        let options = experiment::Options {
            speed,
            ..experiment::Options::default()
        };
        experiment::run(&scenario, &options, &Silent)
            .expect("it runs")
            .guests
    };
    use warpshare::sim::Speed;
    let plain = at(Speed::Plain);
    assert_eq!(plain, at(Speed::RunAhead));
    assert_eq!(plain, at(Speed::RoundJump));
    assert!(plain[0].jobs.completed > 5);
}
