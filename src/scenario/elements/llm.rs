//! Language models behind a serving engine: the model, the engine's limits, and whether weights and
//! cache fit into the memory that the guest has.

use crate::diagnostics::nearest;
use crate::engine::time::Nanos;
use crate::scenario::elements::amounts;
use crate::scenario::elements::board::Facts;
use crate::scenario::elements::gpu::Gpu;
use crate::scenario::elements::guest::{Guest, capacity};
use crate::scenario::elements::placed::Placed;
use crate::scenario::elements::roofline::{Asked, efficiency};
use crate::scenario::key::checker::{Checker, Span};
use crate::scenario::key::field::{Field, Key};
use crate::scenario::key::units::write_bytes;
use crate::scenario::read::raw::RawScenario;
use crate::scenario::read::raw_llm::{RawLlm, RawShape};
use crate::scenario::read::raw_workload::{RawPrecision, RawWorkload};
use crate::workload::dist::Dist;
use crate::workload::llm::{Device, Llm, Model, built_in};
use crate::workload::{Discipline, Operation, OperationKind, Size, Stage};

/// An engine before it is known on which board it runs: without the board's speed and without blocks.
#[derive(Debug, Clone)]
pub(crate) struct Unplaced {
    flop_efficiency: Option<f64>,
    byte_efficiency: Option<f64>,
    span: Span,
}

/// The engine of a workload and the stages of its iterations; `None` after an error.
pub(crate) fn resolve(
    c: &mut Checker,
    path: &str,
    raw: &RawWorkload,
    columns: Option<&[String]>,
) -> Option<(Llm, Vec<Stage>, Unplaced)> {
    let field = raw.llm.as_ref()?;
    let path = format!("{path}.llm");
    let before = c.findings.0.len();
    beside(c, raw);
    let llm = &field.value;
    if let Some(boards) = &llm.tensor_parallel
        && boards.value != 1
    {
        let title = "a model that spans several boards is not simulated";
        let label = "must be 1";
        let help = "choose a model that fits one board, or a board that it fits";
        c.error(&boards.span, title, label, help);
    }
    let model = model(c, &path, field);
    let mut amount = |name: &str, key: &Key<_>, example: &str| match key {
        Some(amount) => amounts::size(c, &format!("{path}.{name}"), amount, columns),
        None => {
            c.missing(&field.span, &path, name, example);
            None
        }
    };
    let prompt = amount("prompt", &llm.prompt, "such as prompt = \"512 tokens\"");
    let output = amount("output", &llm.output, "such as output = \"128 tokens\"");
    let mut assumed = |name: &str, key: &'static str, given: &Key<u64>, most: u32| {
        let path = format!("{path}.{name}");
        match given {
            Some(_) => c.count(&path, given, 1, most, None),
            None => c.assume(&path, key, None).parse().ok(),
        }
    };
    let max_requests = assumed(
        "max_requests",
        "llm.max_requests",
        &llm.max_requests,
        65_536,
    );
    let max_tokens = assumed("max_tokens", "llm.max_tokens", &llm.max_tokens, 1 << 24);
    let block = assumed("block", "llm.block", &llm.block, 1024);
    let model = model?;
    let context = c.count(
        &format!("{path}.context"),
        &llm.context,
        2,
        1 << 24,
        Some(model.context),
    );
    let mut objective = |name: &str, key: &Key<_>| match key {
        Some(duration) => c.positive(&format!("{path}.{name}"), duration).map(Some),
        None => Some(None),
    };
    let first_token = objective("first_token", &llm.first_token);
    let between_tokens = objective("between_tokens", &llm.between_tokens);
    let host = objective("host", &llm.host);
    let flop_efficiency = efficiency(c, &path, "flop_efficiency", &llm.flop_efficiency);
    let byte_efficiency = efficiency(c, &path, "byte_efficiency", &llm.byte_efficiency);
    let unplaced = Unplaced {
        flop_efficiency: flop_efficiency?,
        byte_efficiency: byte_efficiency?,
        span: field.span.clone(),
    };
    let engine = Llm {
        model,
        device: Device {
            flops: 0.0,
            bytes: 0.0,
            launch: 0.0,
        },
        prompt: prompt?,
        output: output?,
        context: context?,
        max_requests: max_requests?,
        max_tokens: max_tokens?,
        blocks: 0,
        block: block?,
        first_token: first_token?,
        between_tokens: between_tokens?,
    };
    let stages = stages(host?)?;
    (c.findings.0.len() == before).then_some((engine, stages, unplaced))
}

/// Keys of a workload that have no meaning beside an engine.
fn beside(c: &mut Checker, raw: &RawWorkload) {
    let why = "the iterations of an engine have no other stages";
    if let Some((_, stage)) = raw.stages.iter().next() {
        let span = stage.span.clone();
        c.error(
            &span,
            "`stages` do not apply beside `llm`",
            why,
            "remove them",
        );
    }
    c.no_effect(&raw.sequence, "sequence", why, "remove it");
    c.no_effect(&raw.every, "every", why, "remove it");
    c.no_effect(&raw.repeat, "repeat", why, "remove it");
    let why = "the engine takes requests together by itself";
    c.no_effect(
        &raw.batching,
        "batching",
        why,
        "use llm.max_requests and llm.max_tokens",
    );
    let why = "requests to a language model are no frames";
    c.no_effect(&raw.frames, "frames", why, "remove it");
    let why = "an engine holds its cache for good";
    c.no_effect(&raw.memory, "memory", why, "use llm.cache");
    let why = "requests to an engine wait until they are served";
    c.no_effect(&raw.timeout, "timeout", why, "remove it");
    let why = "an engine serves requests in the order of their arrival";
    c.no_effect(&raw.classes, "classes", why, "remove it");
    let why = "iterations take what they take on the guest's own board";
    c.no_effect(&raw.reference, "reference", why, "remove it");
}

/// The stages of an iteration: host work, if there is any, and the work on the SMs.
fn stages(host: Option<Nanos>) -> Option<Vec<Stage>> {
    let stage = |name: &str, operation: &str, kind| Stage {
        name: name.to_owned(),
        every: 1,
        repeat: 1,
        operations: vec![Operation {
            name: operation.to_owned(),
            kind,
        }],
    };
    let mut stages = Vec::new();
    if let Some(host) = host {
        let time = Size::Drawn(Dist::constant(host as f64).ok()?);
        stages.push(stage("schedule", "host", OperationKind::Host { time }));
    }
    let iteration = OperationKind::Iteration {
        reach: None,
        bandwidth: true,
    };
    stages.push(stage("iteration", "gpu", iteration));
    Some(stages)
}

fn model(c: &mut Checker, path: &str, field: &Field<RawLlm>) -> Option<Model> {
    let llm = &field.value;
    match (&llm.model, &llm.shape) {
        (Some(_), Some(shape)) => {
            let title = "`shape` contradicts `model`";
            let label = "says the same a second time";
            c.error(&shape.span, title, label, "give one of them");
            None
        }
        (Some(name), None) => by_name(c, path, name),
        (None, Some(shape)) => self::shape(c, &format!("{path}.shape"), shape),
        (None, None) => {
            c.missing(&field.span, path, "model", "such as model = \"llama-2-7b\"");
            None
        }
    }
}

fn by_name(c: &mut Checker, path: &str, name: &Field<String>) -> Option<Model> {
    let all = match built_in() {
        Ok(all) => all,
        Err(problem) => {
            c.error(
                &name.span,
                problem,
                "named here",
                "give its shape in place of it",
            );
            return None;
        }
    };
    let Some(known) = all.iter().find(|known| known.id == name.value) else {
        let ids = || all.iter().map(|known| known.id.as_str());
        let help = match nearest(&name.value, ids()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "built in are {}; give the shape of another one: shape = {{ layers = 32, … }}",
                ids().collect::<Vec<_>>().join(", ")
            ),
        };
        let title = format!("no model `{}` is built in", name.value);
        c.error(&name.span, title, "unknown model", help);
        return None;
    };
    c.file_value(&format!("{path}.model"), &*name.value, &name.span);
    let source = format!("llm_models.csv: {}", known.source);
    let parameters = known.parameters.to_string();
    c.catalogue_value(&format!("{path}.parameters"), parameters, source);
    Some(known.model)
}

fn shape(c: &mut Checker, path: &str, field: &Field<RawShape>) -> Option<Model> {
    let raw = &field.value;
    let mut number = |name: &str, key: &Key<u64>, most: u32, default: Option<u32>| {
        if key.is_none() && default.is_none() {
            let help = format!("such as {name} = 32");
            c.missing(&field.span, path, name, help);
            return None;
        }
        c.count(&format!("{path}.{name}"), key, 1, most, default)
    };
    let layers = number("layers", &raw.layers, 10_000, None);
    let hidden = number("hidden", &raw.hidden, 1_000_000, None);
    let intermediate = number("intermediate", &raw.intermediate, 10_000_000, None);
    let heads = number("heads", &raw.heads, 10_000, None);
    let kv_heads = number("kv_heads", &raw.kv_heads, 10_000, heads.or(Some(1)));
    let dim = hidden
        .zip(heads)
        .map(|(hidden, heads)| (hidden / heads).max(1));
    let head_dim = number("head_dim", &raw.head_dim, 100_000, dim.or(Some(1)));
    let vocabulary = number("vocabulary", &raw.vocabulary, 10_000_000, None);
    let context = number("context", &raw.context, 1 << 24, None);
    Some(Model {
        layers: layers?,
        hidden: hidden?,
        intermediate: intermediate?,
        heads: heads?,
        kv_heads: kv_heads?,
        head_dim: head_dim?,
        vocabulary: vocabulary?,
        context: context?.max(2),
        gated: raw.gated.as_ref().is_none_or(|gated| gated.value),
        tied: raw.tied.as_ref().is_some_and(|tied| tied.value),
    })
}

impl Unplaced {
    /// Fills in what the guest's board achieves.
    pub(crate) fn settle(
        &self,
        c: &mut Checker,
        path: &str,
        placed: &Placed,
        board: &Facts,
        llm: &mut Llm,
    ) -> Option<()> {
        let path = format!("{path}.llm");
        let asked = Asked {
            precision: RawPrecision::Fp16Tensor,
            flop_efficiency: self.flop_efficiency,
            byte_efficiency: self.byte_efficiency,
            span: &self.span,
        };
        let (tflops, gb_s) = asked.of_board(c, &path, placed, board)?;
        let launch = match c.neutral {
            true => 0,
            false => c.assume_duration(&format!("{path}.launch"), "llm.launch"),
        };
        llm.device = Device {
            flops: tflops * 1e3,
            bytes: gb_s,
            launch: launch as f64,
        };
        Some(())
    }
}

/// Gives every engine its weights and its cache; errors where they do not fit.
pub(crate) fn fit(c: &mut Checker, raw: &RawScenario, gpus: &[Gpu], guests: &mut [Guest]) {
    for guest in guests {
        let (Some(llm), Some(memory)) = (guest.workload.discipline.llm(), guest.memory) else {
            continue;
        };
        let Some(workload) = raw.workloads.get(&guest.workload.name) else {
            continue;
        };
        let Some(field) = &workload.value.llm else {
            continue;
        };
        let weights = llm.model.weights();
        let path = format!("guests.{}.llm.cache", guest.name);
        let cache = match &field.value.cache {
            Some(cache) => {
                c.file_value(&path, write_bytes(cache.value.exact), &cache.span);
                cache.value.bytes
            }
            None => {
                let Some(capacity) = capacity(gpus, guest) else {
                    let title = "how large the cache is cannot be told";
                    let label = format!("the memory of guest `{}` is not known", guest.name);
                    c.error(&field.span, title, label, "such as llm.cache = \"20GiB\"");
                    continue;
                };
                let part: f64 = match c.neutral {
                    true => 1.0,
                    false => {
                        let text = c.assume(&path, "llm.memory", None);
                        text.parse().unwrap_or(1.0)
                    }
                };
                let usable = ((capacity as f64 * part) as u64).saturating_sub(memory.held);
                if usable <= weights {
                    let title = format!(
                        "the model does not fit into the memory of guest `{}`",
                        guest.name
                    );
                    let label = format!(
                        "{} of weights, and {} can be used",
                        write_bytes(weights as f64),
                        write_bytes(usable as f64)
                    );
                    let help = "a smaller model, or a larger board, instance or vGPU type";
                    c.error(&field.span, title, label, help);
                    continue;
                }
                usable - weights
            }
        };
        let block = llm.model.cache_per_token() * u64::from(llm.block);
        let (blocks, context) = (cache / block, llm.context);
        if blocks * u64::from(llm.block) < u64::from(context) {
            let title = format!("a request of {context} tokens does not fit into the cache");
            let label = format!(
                "guest `{}` has room for {} tokens",
                guest.name,
                blocks * u64::from(llm.block)
            );
            let help = "more memory, a larger `cache`, or a shorter `context`";
            c.error(&field.span, title, label, help);
            continue;
        }
        if let (Discipline::LanguageModel(llm), Some(memory)) =
            (&mut guest.workload.discipline, &mut guest.memory)
        {
            llm.blocks = blocks;
            memory.held = memory
                .held
                .saturating_add(weights)
                .saturating_add(blocks * block);
        }
    }
}
