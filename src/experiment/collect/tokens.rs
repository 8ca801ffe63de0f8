//! Results of groups that serve a language model.

use super::guests::latency;
use super::latency as once_latency;
use super::{Shared, window_seconds};
use crate::experiment::estimate::{Confidence, mean_of, ratio};
use crate::experiment::recorder::{MemberRecord, TokenRecord};
use crate::result::{Latency, Reason, ReplicationTokens, TokenResult};
use crate::scenario::Scenario;
use crate::stats::histogram::LatencyHistogram;

pub(super) fn tokens(scenario: &Scenario, shared: &Shared, group: usize) -> Option<TokenResult> {
    let llm = scenario.guests[group].workload.discipline.llm()?;
    let confidence = Confidence::of_group(scenario, group);
    let members = shared.members_of(group);
    let seconds = window_seconds(scenario);
    let sum = |replication: usize, field: &dyn Fn(&MemberRecord) -> u64| -> f64 {
        let each = members
            .iter()
            .map(|&member| field(shared.member(replication, member)));
        each.sum::<u64>() as f64
    };
    let rate = |field: &dyn Fn(&MemberRecord) -> u64| {
        let each = shared.each_replication();
        mean_of(each.map(|r| sum(r, field) / seconds), confidence)
    };
    let per_request = |field: &dyn Fn(&MemberRecord) -> u64| {
        let rows: Vec<_> = shared
            .each_replication()
            .map(|r| [sum(r, field), sum(r, &|m| m.completed)])
            .collect();
        ratio(&rows, confidence, Reason::NoRequestsEnded)
    };
    let times = |of: fn(&TokenRecord) -> &LatencyHistogram| -> Latency {
        let records = shared
            .each_replication()
            .filter_map(|r| shared.group(r, group).tokens.as_deref());
        let each: Vec<&LatencyHistogram> = records.map(of).collect();
        let rows: Vec<_> = each
            .iter()
            .map(|h| [h.sum() as f64, h.count() as f64])
            .collect();
        latency(each, ratio(&rows, confidence, Reason::NoTokens), confidence)
    };
    let asked = llm.first_token.is_some() || llm.between_tokens.is_some();
    let preemptions = shared
        .each_replication()
        .map(|r| sum(r, &|m| m.preempted) as u64);
    Some(TokenResult {
        first_token: times(|record| &record.first),
        between_tokens: times(|record| &record.between),
        prompt_tokens: per_request(&|m| m.prompt_tokens),
        output_tokens: per_request(&|m| m.output_tokens),
        generated_per_s: rate(&|m| m.generated),
        goodput_per_s: asked.then(|| rate(&|m| m.good)),
        preemptions: preemptions.sum(),
    })
}

/// The same of one replication.
pub(super) fn once(
    scenario: &Scenario,
    shared: &Shared,
    group: usize,
    replication: usize,
) -> Option<ReplicationTokens> {
    let llm = scenario.guests[group].workload.discipline.llm()?;
    let record = shared.group(replication, group).tokens.as_deref()?;
    let members = shared.members_of(group);
    let sum = |field: fn(&MemberRecord) -> u64| -> u64 {
        let each = members
            .iter()
            .map(|&member| field(shared.member(replication, member)));
        each.sum()
    };
    let asked = llm.first_token.is_some() || llm.between_tokens.is_some();
    Some(ReplicationTokens {
        first_token: once_latency(&record.first),
        between_tokens: once_latency(&record.between),
        prompt_tokens: sum(|m| m.prompt_tokens),
        output_tokens: sum(|m| m.output_tokens),
        generated: sum(|m| m.generated),
        good: asked.then(|| sum(|m| m.good)),
        preemptions: sum(|m| m.preempted),
    })
}
